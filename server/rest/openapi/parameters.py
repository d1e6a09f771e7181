"""Parameters in paths, queries and headers, and the headers of answers."""

from __future__ import annotations

from collections.abc import Container, Iterable

import msgspec

from server.rest.openapi.schemas import Json, Schemas

_STRING: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}

_PATH: dict[str, tuple[str, Json]] = {
    "asset": ("A file of the page at /v1/docs.", {"enum": ["start.js", "swagger-ui-bundle.js", "swagger-ui.css"]}),
    "name": ("A name, with the slashes that it has.", _STRING),
    "spec": ("`base...head`: since they parted; `base..head`: as they are.", _STRING),
    "repository_id": ("A repository's id.", {"type": "string", "pattern": "^[a-z0-9_-]{4,64}$"}),
}

_ANSWER_HEADERS: dict[str, tuple[str, Json]] = {
    "X-Total-Count": ("How many there are in all.", _COUNT),
    "X-Next-Cursor": ("Where the next page begins: to be sent as `cursor`. Absent at the end.", _STRING),
    "ETag": ("Names these very octets.", _STRING),
    "Accept-Ranges": ("That parts can be asked for by `Range`.", _STRING),
    "Content-Range": ("Which part this is, and of how much.", _STRING),
    "Content-Disposition": ("The name that the file is to have.", _STRING),
    "Retry-After": ("Seconds after which to try again.", _COUNT),
    "WWW-Authenticate": ("The kind of credentials that are wanted.", _STRING),
}

_CONDITIONAL = {
    206: ("Range", "The part that is wanted: `bytes=0-1023`."),
    304: ("If-None-Match", "Tags of what the client has, of which none is wanted again."),
}


def path_parameter(name: str) -> Json:
    """An argument in the path."""
    description, schema = _PATH.get(name, ("", _STRING))
    told: Json = {"name": name, "in": "path", "required": True, "schema": schema}
    return {**told, "description": description} if description else told


def query_parameters(kind: type[msgspec.Struct], schemas: Schemas) -> list[Json]:
    """The fields of a struct that `read_query` reads."""
    fields = schemas.fields_of(kind)
    required = fields.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in fields["properties"].items()
    ]


def request_headers(statuses: Container[int]) -> list[Json]:
    """What a client may say to get an answer of these statuses."""
    return [
        {"name": name, "in": "header", "required": False, "description": description, "schema": _STRING}
        for status, (name, description) in _CONDITIONAL.items()
        if status in statuses
    ]


def answer_headers(names: Iterable[str]) -> Json:
    """Headers of an answer. Raises KeyError for one that is not described here."""
    told: Json = {}
    for name in names:
        description, schema = _ANSWER_HEADERS[name]
        told[name] = {"description": description, "schema": schema}
    return told
