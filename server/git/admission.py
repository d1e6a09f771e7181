"""Letting a request in: its token judged, then its repository looked for.

What was read for the last request is good for the next one as long as nothing was committed to the catalog, by whatever
process, and the catalog tells that without being read. Then there is no visit to a thread at all; else there is one for
both. The token is judged for each request anew: it may have expired since.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from cachetools import LRUCache

from packengine.repository import Engine, RepositoryState
from packengine.storage.ports import TokenRecord
from server.auth.git_tokens import UNAUTHORIZED, GitAuthenticator, GitGrant, GitRefusal, GitService, sent_token_hash
from server.git.native import WorkerThreads

_KEPT = 512
"""Pairs of token and repository."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a request may see, and on whose word."""

    grant: GitGrant
    state: RepositoryState


@dataclass(frozen=True, slots=True)
class _Known:
    token: TokenRecord
    state: RepositoryState
    mark: int
    """Of the catalog, taken before anything was read."""


class Admission:
    """Lets requests in. On the event loop only."""

    def __init__(self, engine: Engine, authenticator: GitAuthenticator, lookups: WorkerThreads) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._lookups = lookups
        self._known: LRUCache[tuple[str, bytes], _Known] = LRUCache(_KEPT)

    async def admit(self, repository_id: str, header: str | None, service: GitService) -> Admitted | GitRefusal:
        """Never by what was read before the last change. Raises RepositoryMissing, for a good token only."""
        token_hash = sent_token_hash(header)
        if token_hash is None:
            return UNAUTHORIZED
        key, mark = (repository_id, token_hash), self._engine.catalog.change_mark()
        known = self._known.get(key)
        if known is None or known.mark != mark:
            return await self._look_up(key, service, mark)
        verdict = self._authenticator.judge(repository_id, known.token, service)
        return Admitted(verdict, known.state) if isinstance(verdict, GitGrant) else verdict

    async def _look_up(self, key: tuple[str, bytes], service: GitService, mark: int | None) -> Admitted | GitRefusal:
        found = await self._lookups.run(partial(self._read, key, service))
        if mark is not None and isinstance(found, Admitted):
            self._known[key] = _Known(found.grant.token, found.state, mark)
        return found

    def _read(self, key: tuple[str, bytes], service: GitService) -> Admitted | GitRefusal:
        repository_id, token_hash = key
        verdict = self._authenticator.judge(repository_id, self._engine.catalog.token(token_hash), service)
        return verdict if isinstance(verdict, GitRefusal) else Admitted(verdict, self._engine.load(repository_id))
