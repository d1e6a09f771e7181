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
from server.auth.git_tokens import UNAUTHORIZED, GitAuthenticator, GitGrant, GitRefusal, GitService, sent_token_hash
from server.git.native import WorkerThreads

_KEPT = 512
"""Pairs of token and repository."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a request may see, and on whose word."""

    grant: GitGrant
    state: RepositoryState
    mark: int | None
    """Of the catalog, taken before anything was read; None where it could not be told."""


class Admission:
    """Lets requests in. On the event loop only, but for `still_grants`."""

    def __init__(self, engine: Engine, authenticator: GitAuthenticator, lookups: WorkerThreads) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._lookups = lookups
        self._known: LRUCache[tuple[str, bytes], Admitted] = LRUCache(_KEPT)

    async def admit(self, repository_id: str, header: str | None, service: GitService) -> Admitted | GitRefusal:
        """Never by what was read before the last change. Raises RepositoryMissing, for a good token only."""
        token_hash = sent_token_hash(header)
        if token_hash is None:
            return UNAUTHORIZED
        key, mark = (repository_id, token_hash), self._engine.catalog.change_mark()
        known = self._known.get(key)
        if known is None or known.mark != mark:
            return await self._look_up(key, service, mark)
        verdict = self._authenticator.judge(repository_id, known.grant.token, service)
        return Admitted(verdict, known.state, mark) if isinstance(verdict, GitGrant) else verdict

    def still_grants(self, admitted: Admitted, service: GitService) -> bool:
        """Whether the token would be let in to the repository now. From any thread; reads if anything was committed."""
        token, mark = admitted.grant.token, self._engine.catalog.change_mark()
        newest = token if mark is not None and mark == admitted.mark else self._engine.catalog.token(token.token_hash)
        verdict = self._authenticator.judge(admitted.grant.repository_id, newest, service)
        return isinstance(verdict, GitGrant)

    async def _look_up(self, key: tuple[str, bytes], service: GitService, mark: int | None) -> Admitted | GitRefusal:
        found = await self._lookups.run(partial(self._read, key, service, mark))
        if mark is not None and isinstance(found, Admitted):
            self._known[key] = found
        return found

    def _read(self, key: tuple[str, bytes], service: GitService, mark: int | None) -> Admitted | GitRefusal:
        repository_id, token_hash = key
        verdict = self._authenticator.judge(repository_id, self._engine.catalog.token(token_hash), service)
        return verdict if isinstance(verdict, GitRefusal) else Admitted(verdict, self._engine.load(repository_id), mark)
