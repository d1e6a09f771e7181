"""What holds for every HTTP request, whichever application answers it."""

from server.asgi.boundary import RequestBoundary
from server.asgi.dispatch import Dispatcher
from server.asgi.record import RequestRecord, record_of

__all__ = ["Dispatcher", "RequestBoundary", "RequestRecord", "record_of"]
