"""The client for Trio, and for whatever else anyio runs on. What its methods take and give is in `_calls`."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from packhouse_client._call import segment
from packhouse_client._calls import (
    admin,
    commits,
    health,
    imports,
    merges,
    notes,
    past,
    protection,
    purges,
    reads,
    refs,
    repositories,
    tokens,
)
from packhouse_client._retries import Retries
from packhouse_client._settings import API, TIMEOUT_S, http_options
from packhouse_client._waiting import AsyncGroup, AsyncTransport, calling, downloading, listing, paging


class AsyncClient:
    """A server's REST API. Use it in an `async with`, or close it. Tasks may share it.

    Server and token come from the arguments, else from PACKHOUSE_SERVER and PACKHOUSE_TOKEN, else from what `packhouse
    login` kept. timeout_s: how long the server may be silent. http: a client of one's own, instead of all these.
    Raises ConfigurationError if no server is named anywhere; its methods ApiError, ConnectionFailed, UnexpectedAnswer.
    """

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: Retries | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._http = http or httpx.AsyncClient(**http_options(server, token, timeout_s))
        transport = AsyncTransport(self._http, retries or Retries())
        self._transport = transport
        self.repos = AsyncRepositories(transport, API)
        self.tokens = AsyncAnyTokens(transport, API)
        self.health = AsyncHealth(transport, API)
        self.admin = AsyncAdmin(transport, API)

    def repo(self, repository_id: str) -> AsyncRepository:
        """One repository; nothing is asked yet."""
        return AsyncRepository(self._transport, f"{API}/repos/{segment(repository_id)}")

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class AsyncHealth(AsyncGroup):
    """Whether the server lives."""

    alive = calling(health.alive)


class AsyncRepositories(AsyncGroup):
    """All repositories."""

    create = calling(repositories.create)
    list = listing(repositories.listed)


class AsyncAnyTokens(AsyncGroup):
    """Tokens, whichever repository they are for."""

    revoke = calling(tokens.revoke)


class AsyncAdmin(AsyncGroup):
    """What only the administrator does."""

    rotate_token = calling(admin.rotate_token)
    rotate_jwt_key = calling(admin.rotate_jwt_key)


class AsyncCommits(AsyncGroup):
    """A repository's commits."""

    create = calling(commits.create)
    log = listing(commits.log)


class AsyncRefs(AsyncGroup):
    """A repository's refs, by their full names."""

    list = listing(refs.listed)
    move = calling(refs.move)
    delete = calling(refs.deletion)


class AsyncNotes(AsyncGroup):
    """A repository's notes."""

    show = calling(notes.show)
    write = calling(notes.write)
    delete = calling(notes.deletion)


class AsyncTokens(AsyncGroup):
    """A repository's tokens."""

    mint = calling(tokens.mint)
    list = calling(tokens.listed)
    rotate = calling(tokens.rotate)


class AsyncProtection(AsyncGroup):
    """A repository's rules for refs."""

    show = calling(protection.show)
    replace = calling(protection.replace)


class AsyncImports(AsyncGroup):
    """How a repository is filled from another server's."""

    start = calling(imports.start)
    show = calling(imports.show)
    cancel = calling(imports.cancel)


class AsyncPurges(AsyncGroup):
    """What is taken out of all of a repository's history."""

    start = calling(purges.start)
    show = calling(purges.show)
    cancel = calling(purges.cancel)


class AsyncRepository(AsyncGroup):
    """One repository."""

    def __init__(self, transport: AsyncTransport, base: str) -> None:
        super().__init__(transport, base)
        self.commits = AsyncCommits(transport, base)
        self.refs = AsyncRefs(transport, base)
        self.notes = AsyncNotes(transport, base)
        self.tokens = AsyncTokens(transport, base)
        self.protection = AsyncProtection(transport, base)
        self.imports = AsyncImports(transport, base)
        self.purges = AsyncPurges(transport, base)

    show = calling(repositories.show)
    update = calling(repositories.update)
    delete = calling(repositories.deletion)
    undelete = calling(repositories.undelete)
    fork = calling(repositories.fork)
    fork_many = calling(repositories.fork_many)
    merge = calling(merges.merge)
    sync = calling(merges.sync)
    tree = listing(reads.tree)
    blob = downloading(reads.blob)
    archive = downloading(reads.archive)
    diff = listing(reads.diff)
    compare = calling(reads.compare)
    compare_pages = paging(reads.compare)
    history = listing(past.publishes)
    state = calling(past.state)
    state_pages = paging(past.state)
    restore = calling(past.restore)
