"""The answers that are not successes: those that a route shares with all of its kind, and its own."""

from __future__ import annotations

from collections import defaultdict

from packhouse_client.types.errors import ERRORS
from server.rest.openapi.parameters import answer_headers
from server.rest.openapi.routes import Route
from server.rest.openapi.schemas import Json, Schemas

_OF_BODIES = (400, 408, 413, 415, 422)
_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def failures(route: Route, schemas: Schemas) -> dict[int, Json]:
    """Each status of a failure, with the codes that it comes with."""
    codes: dict[int, list[str]] = defaultdict(list)
    for code, status in _codes(route):
        if code not in codes[status]:
            codes[status].append(code)
    return {status: _response(status, found, schemas) for status, found in sorted(codes.items())}


def _codes(route: Route) -> list[tuple[str, int]]:
    noted, found = route.operation, [("internal", 500)]
    if not noted.public:
        found += [("unauthorized", 401), ("rate_limited", 429), ("db_busy", 503)]
    if "repository_id" in route.arguments:
        found += [("invalid_repo_id", 400), ("repo_not_found", 404), ("forbidden", 403)]
    if route.arguments:
        found.append(("bad_request", 404))  # what no route's path has at that place
    if noted.query is not None:
        found.append(("bad_request", 400))
    if noted.body is not None:
        found += [("bad_request", status) for status in _OF_BODIES]
    if 206 in noted.answers:
        found.append(("bad_request", 416))
    return found + [(code, ERRORS[code].statuses[0]) for code in noted.errors]


def _response(status: int, codes: list[str], schemas: Schemas) -> Json:
    told: Json = {
        "description": "\n".join(f"`{code}`: {ERRORS[code].meaning}" for code in codes),
        "content": {"application/json": {"schema": _envelope(codes, schemas)}},
    }
    if status in _HEADERS:
        told["headers"] = answer_headers(_HEADERS[status])
    return told


def _envelope(codes: list[str], schemas: Schemas) -> Json:
    kinds = [schemas.of_error(code) for code in codes]
    error = kinds[0] if len(kinds) == 1 else {"oneOf": kinds}
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}
