"""The OpenAPI 3.1 document: made of the routes, of what `operation` noted beside them, and of the types' schemas.

Not by quart-schema, whose decorators convert requests and answers too, before access could be checked, and know neither
our envelope of errors nor the order of the checks (server.rest.operations).
"""

from server.rest.openapi.document import openapi_document
from server.rest.openapi.routes import Route, routes

__all__ = ["Route", "openapi_document", "routes"]
