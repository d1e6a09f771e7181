"""What the API says of itself: its OpenAPI document, and a page to try it that needs nothing but this server."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from quart import Blueprint, Response, current_app

from server.rest.body import json_response
from server.rest.context import services
from server.rest.openapi import openapi_document
from server.rest.operations import Binary, operation

_PAGE = "index.html"
_OURS = "server.rest.openapi.page"
_SWAGGER_UI = "flask_swagger_ui.dist"
_ASSETS = {
    _PAGE: (_OURS, "text/html; charset=utf-8"),
    "start.js": (_OURS, "text/javascript; charset=utf-8"),
    "swagger-ui-bundle.js": (_SWAGGER_UI, "text/javascript; charset=utf-8"),
    "swagger-ui.css": (_SWAGGER_UI, "text/css; charset=utf-8"),
}
_NAMES = ", ".join(f'"{name}"' for name in _ASSETS if name != _PAGE)
_HEADERS = {
    # Swagger UI draws its icons from data: URLs and sets styles on elements; all else comes from here, or not at all.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=3600",
}

documentation = Blueprint("documentation", __name__)


@documentation.get("/v1/openapi.json")
@operation(answer=dict[str, Any], tag="documentation", public=True)
async def document() -> Response:
    """This document."""
    return json_response(await services().run(_encoded_document))


@documentation.get("/v1/docs")
@operation(answer=Binary("text/html"), tag="documentation", public=True)
async def page() -> Response:
    """A page on which to read this document and to try its routes."""
    return await _asset(_PAGE)


@documentation.get(f"/v1/docs/<any({_NAMES}):asset>")
@operation(answer=Binary("text/javascript", "text/css"), tag="documentation", public=True)
async def page_asset(asset: str) -> Response:
    """What the page is made of."""
    return await _asset(asset)


async def _asset(name: str) -> Response:
    return Response(await services().run(_read_asset, name), headers=_HEADERS, content_type=_ASSETS[name][1])


@cache
def _read_asset(name: str) -> bytes:
    return files(_ASSETS[name][0]).joinpath(name).read_bytes()


@cache
def _encoded_document() -> bytes:
    """Once a process: every application has the same routes. Cost: some 30 ms."""
    return msgspec.json.encode(openapi_document(current_app))
