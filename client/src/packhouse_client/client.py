"""The client for plain threads. What its methods take and give is in `_calls`."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from packhouse_client._blocking import Group, Transport, calling, downloading, listing, paging
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


class Client:
    """A server's REST API. Use it in a `with`, or close it. Threads may share it.

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
        http: httpx.Client | None = None,
    ) -> None:
        self._http = http or httpx.Client(**http_options(server, token, timeout_s))
        transport = Transport(self._http, retries or Retries())
        self._transport = transport
        self.repos = Repositories(transport, API)
        self.tokens = AnyTokens(transport, API)
        self.health = Health(transport, API)
        self.admin = Admin(transport, API)

    def repo(self, repository_id: str) -> Repository:
        """One repository; nothing is asked yet."""
        return Repository(self._transport, f"{API}/repos/{segment(repository_id)}")

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Health(Group):
    """Whether the server lives."""

    alive = calling(health.alive)


class Repositories(Group):
    """All repositories."""

    create = calling(repositories.create)
    list = listing(repositories.listed)


class AnyTokens(Group):
    """Tokens, whichever repository they are for."""

    revoke = calling(tokens.revoke)


class Admin(Group):
    """What only the administrator does."""

    rotate_token = calling(admin.rotate_token)
    rotate_jwt_key = calling(admin.rotate_jwt_key)


class Commits(Group):
    """A repository's commits."""

    create = calling(commits.create)
    log = listing(commits.log)


class Refs(Group):
    """A repository's refs, by their full names."""

    list = listing(refs.listed)
    move = calling(refs.move)
    delete = calling(refs.deletion)


class Notes(Group):
    """A repository's notes."""

    show = calling(notes.show)
    write = calling(notes.write)
    delete = calling(notes.deletion)


class Tokens(Group):
    """A repository's tokens."""

    mint = calling(tokens.mint)
    list = calling(tokens.listed)
    rotate = calling(tokens.rotate)


class Protection(Group):
    """A repository's rules for refs."""

    show = calling(protection.show)
    replace = calling(protection.replace)


class Imports(Group):
    """How a repository is filled from another server's."""

    start = calling(imports.start)
    show = calling(imports.show)
    cancel = calling(imports.cancel)


class Purges(Group):
    """What is taken out of all of a repository's history."""

    start = calling(purges.start)
    show = calling(purges.show)
    cancel = calling(purges.cancel)


class Repository(Group):
    """One repository."""

    def __init__(self, transport: Transport, base: str) -> None:
        super().__init__(transport, base)
        self.commits = Commits(transport, base)
        self.refs = Refs(transport, base)
        self.notes = Notes(transport, base)
        self.tokens = Tokens(transport, base)
        self.protection = Protection(transport, base)
        self.imports = Imports(transport, base)
        self.purges = Purges(transport, base)

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
