"""The REST API under /v1, as an ASGI application (Quart on Trio)."""

from server.rest.app import create_rest_app
from server.rest.services import RestServices

__all__ = ["RestServices", "create_rest_app"]
