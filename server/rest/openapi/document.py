"""The document as a whole."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

from quart import Quart

from server.rest.openapi.examples import EXAMPLES
from server.rest.openapi.failures import failures
from server.rest.openapi.parameters import answer_headers, path_parameter, query_parameters, request_headers
from server.rest.openapi.routes import Route, routes
from server.rest.openapi.schemas import Json, Schemas
from server.rest.operations import Binary

_VERSION = "3.1.0"

_DESCRIPTION = """\
Repositories, forks, tokens, commits, merges and reads, without a Git client.

Requests are checked in this order: credentials (401), rate (429), the id in the path (400), existence (404), owner
(403), then query and body. Every error is `{"error": {"code", "message", …}}`. `X-Request-Id` is on every answer: the
request's own, if it is 1 to 128 printable ASCII characters, else 32 hex digits. Fields and parameters that are not
known are ignored.
"""

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "The administrator's token, or a JWT of the subject that owns the repository.",
}

_OUTCOMES = {
    200: "Done.",
    202: "Taken, and worked on from now on.",
    206: "The part that was asked for.",
    304: "Still what the client has.",
    503: "Not now.",
}


def openapi_document(app: Quart) -> Json:
    """The document of an application; always the same one."""
    known = list(routes(app))
    schemas = Schemas(route.operation for route in known)
    paths: Json = {}
    for route in known:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": _VERSION,
        "info": {
            "title": "Packhouse",
            "version": version("packhouse"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in sorted({route.operation.tag for route in known})],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": {"bearer": _BEARER}},
    }


def _operation(route: Route, schemas: Schemas) -> Json:
    noted = route.operation
    summary, description = _docstring(route.handler)
    told: Json = {"operationId": route.endpoint.replace(".", "_"), "tags": [noted.tag], "summary": summary}
    if noted.query is not None:
        description = f"{description}\n\n{_docstring(noted.query)[1]}".strip()
    if description:
        told["description"] = description
    if parameters := _parameters(route, schemas):
        told["parameters"] = parameters
    if noted.body is not None:
        told["requestBody"] = _body(noted.body, schemas)
    told["responses"] = _responses(route, schemas)
    if noted.public:
        told["security"] = []
    elif noted.reads:
        told["security"] = [{"bearer": []}, {}]
    return told


def _docstring(thing: object) -> tuple[str, str]:
    """Its first sentence without the stop, and the rest."""
    text = inspect.getdoc(thing) or ""
    first, _, rest = text.partition("\n")
    sentence, _, more = first.partition(". ")
    return sentence.rstrip("."), f"{more}\n{rest}".strip()


def _parameters(route: Route, schemas: Schemas) -> list[Json]:
    noted = route.operation
    in_query = [] if noted.query is None else query_parameters(noted.query, schemas)
    return [*map(path_parameter, route.arguments), *in_query, *request_headers(noted.answers)]


def _body(kind: Any, schemas: Schemas) -> Json:
    content: Json = {"schema": schemas.of(kind)}
    if kind in EXAMPLES:
        content["example"] = EXAMPLES[kind]
    return {"required": True, "content": {"application/json": content}}


def _responses(route: Route, schemas: Schemas) -> Json:
    noted = route.operation
    told = {str(status): failure for status, failure in failures(route, schemas).items()}
    for status, kind in noted.answers.items():
        answered: Json = {"description": _OUTCOMES[status]}
        if noted.headers:
            answered["headers"] = answer_headers(noted.headers)
        if isinstance(kind, Binary):
            octets = {"type": "string", "format": "binary"}
            answered["content"] = {media_type: {"schema": octets} for media_type in kind.media_types}
        elif kind is not None:
            answered["content"] = {"application/json": {"schema": schemas.of(kind)}}
        told[str(status)] = answered
    return dict(sorted(told.items()))
