"""Git paths go to the lean application, everything else to REST."""

from __future__ import annotations

from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

GIT_PREFIX = "/git/"


class Dispatcher:
    """Chooses the application by path. Process start and end go to REST, whose framework wants to hear of them."""

    def __init__(self, *, git: ASGIFramework, rest: ASGIFramework) -> None:
        self._git = git
        self._rest = rest

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": None})  # Hypercorn makes it a 403
        elif scope["type"] == "http" and scope["path"].startswith(GIT_PREFIX):
            await self._git(scope, receive, send)
        else:
            await self._rest(scope, receive, send)
