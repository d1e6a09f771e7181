"""A client of the Git application without a server between: one request at a time, handed to it as ASGI events."""

from __future__ import annotations

import base64
from typing import Any, cast

import trio
from hypercorn.typing import ASGIFramework, HTTPScope

from packengine.repository import Engine
from packengine.storage.ports import TokenScope
from server.asgi.record import open_record
from server.auth import GitAuthenticator
from server.auth.minting import mint
from server.config import Settings
from server.git import git_app
from server.http import PIECES


def open_app(engine: Engine) -> ASGIFramework:
    """The application over an engine."""
    return git_app(engine, Settings(request_timeout_secs=60), GitAuthenticator(engine.catalog))


class GitClient:
    """One request about the repository `project`, and what came back."""

    def __init__(self, engine: Engine, app: ASGIFramework | None = None) -> None:
        minted = mint(TokenScope.WRITE, None)
        engine.catalog.mint_token("project", minted.stored)
        self._app = app or open_app(engine)
        self._authorization = b"Basic " + base64.b64encode(b"x:" + minted.text.encode())
        self._sent_body = trio.Event()
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.reads_pack = True
        self.writes = 0
        self.sends_rest: trio.Event | None = None
        """If there is one, the last byte of the request comes once it is set."""

        self.http_version = "1.1"

    @property
    def was_read(self) -> bool:
        """Whether the application asked for the request's body."""
        return self._sent_body.is_set()

    async def post(self, service: str, body: bytes, *, version: int = 2) -> None:
        """The answer is in `status` and `body` afterwards."""
        content_type = f"application/x-{service}-request"
        await self._request("POST", f"/git/project.git/{service}", b"", content_type, body, version)

    async def list_refs(self, service: str = "git-receive-pack", *, version: int = 2) -> None:
        """Ask for an advertisement."""
        await self._request("GET", "/git/project.git/info/refs", f"service={service}".encode(), "", b"", version)

    async def _request(
        self, method: str, path: str, query: bytes, content_type: str, body: bytes, version: int
    ) -> None:
        rest = [body] if self.sends_rest is None else [body[:-1], body[-1:]]

        async def receive() -> Any:
            if not rest:
                await trio.sleep_forever()
            if self.was_read and self.sends_rest is not None:
                await self.sends_rest.wait()
            self._sent_body.set()
            return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest)}

        headers = [
            (b"authorization", self._authorization),
            (b"content-type", content_type.encode()),
            (b"git-protocol", b"version=%d" % version),
        ]
        scope: dict[str, Any] = {"type": "http", "http_version": self.http_version, "scheme": "http", "method": method}
        scope |= {"path": path, "query_string": query, "headers": headers}
        scope["extensions"] = {} if self.http_version == "2" else {PIECES: {}}
        open_record(cast("HTTPScope", scope))
        await self._app(cast("HTTPScope", scope), receive, self._send)

    async def _send(self, event: Any) -> None:
        self.status = event.get("status", self.status)
        self.headers |= dict(event.get("headers", []))
        body = event.get("body", b"") + b"".join(event.get("pieces", []))
        self.body += body
        self.writes += bool(body)
        if b"PACK" in self.body and not self.reads_pack:
            await trio.sleep_forever()
