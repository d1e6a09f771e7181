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
from packengine.storage.ports import RepositoryMissing
from server.auth.git_tokens import UNAUTHORIZED, GitAuthenticator, GitGrant, GitRefusal, GitService, sent_token_hash
from server.git.native import WorkerThreads

_KEPT = 512
"""Pairs of token and repository."""

_CLOSED_KEPT = 4096
"""Repositories that are not public: clients ask without their token first, each time."""

_NOBODY = b""
"""Stands in the place of a token's hash."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """What a request may see, and on whose word."""

    grant: GitGrant
    state: RepositoryState
    mark: int | None
    """Of the catalog, taken before anything was read; None where it could not be told."""


class AccessRefused(Exception):
    """The request may not go on after all, and nothing was done of it."""

    def __init__(self, refusal: GitRefusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


class Admission:
    """Lets requests in. On the event loop only, but for `confirm` and `still_grants`."""

    def __init__(self, engine: Engine, authenticator: GitAuthenticator, lookups: WorkerThreads) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._lookups = lookups
        self._closed: LRUCache[str, int] = LRUCache(_CLOSED_KEPT)
        self._known: LRUCache[tuple[str, bytes], Admitted] = LRUCache(_KEPT)

    async def admit(self, repository_id: str, header: str | None, service: GitService) -> Admitted | GitRefusal:
        """Never by what was read before the last change. Raises RepositoryMissing, for a good token only."""
        token_hash = _NOBODY if header is None and service == "git-upload-pack" else sent_token_hash(header)
        if token_hash is None:
            return UNAUTHORIZED
        key, mark = (repository_id, token_hash), self._engine.catalog.change_mark()
        if token_hash == _NOBODY and mark is not None and self._closed.get(repository_id) == mark:
            return UNAUTHORIZED
        known = self._known.get(key)
        if known is None or known.mark != mark:
            return await self._look_up(key, service, mark)
        if known.grant.token is None:
            return known
        verdict = self._authenticator.judge(repository_id, known.grant.token, service)
        return Admitted(verdict, known.state, mark) if isinstance(verdict, GitGrant) else verdict

    def recall(self, repository_id: str, header: str | None, service: GitService) -> Admitted | None:
        """What was read for an earlier request of this token, whatever was committed since.

        It costs no visit to a thread, and nothing may be done on its word: `confirm` it first.
        """
        token_hash = sent_token_hash(header)
        known = None if token_hash is None else self._known.get((repository_id, token_hash))
        if known is None:
            return None
        verdict = self._authenticator.judge(repository_id, known.grant.token, service)
        return Admitted(verdict, known.state, known.mark) if isinstance(verdict, GitGrant) else None

    def confirm(self, recalled: Admitted, service: GitService) -> Admitted:
        """The same as of now. From any thread; reads if anything was committed.

        Raises AccessRefused, which says how to answer, and RepositoryMissing if another one has the id by now.
        """
        token, mark = recalled.grant.token, self._engine.catalog.change_mark()
        if token is None or (mark is not None and mark == recalled.mark):
            return recalled
        found = self._read((recalled.grant.repository_id, token.token_hash), service, mark)
        if isinstance(found, GitRefusal):
            raise AccessRefused(found)
        if found.state.record.first_version != recalled.state.record.first_version:
            raise RepositoryMissing(f"repository {found.state.record.id}: its id belonged to another one before")
        return found

    def still_grants(self, admitted: Admitted, service: GitService) -> bool:
        """Whether the token would be let in to the repository now. From any thread; reads if anything was committed."""
        token, mark = admitted.grant.token, self._engine.catalog.change_mark()
        if token is None:
            return False
        newest = token if mark is not None and mark == admitted.mark else self._engine.catalog.token(token.token_hash)
        verdict = self._authenticator.judge(admitted.grant.repository_id, newest, service)
        return isinstance(verdict, GitGrant)

    async def _look_up(self, key: tuple[str, bytes], service: GitService, mark: int | None) -> Admitted | GitRefusal:
        found = await self._lookups.run(partial(self._read, key, service, mark))
        if mark is not None and isinstance(found, Admitted):
            self._known[key] = found
        elif mark is not None and key[1] == _NOBODY:
            self._closed[key[0]] = mark
        return found

    def _read(self, key: tuple[str, bytes], service: GitService, mark: int | None) -> Admitted | GitRefusal:
        repository_id, token_hash = key
        if token_hash == _NOBODY:
            return self._read_public(repository_id, mark)
        verdict = self._authenticator.judge(repository_id, self._engine.catalog.token(token_hash), service)
        return verdict if isinstance(verdict, GitRefusal) else Admitted(verdict, self._engine.load(repository_id), mark)

    def _read_public(self, repository_id: str, mark: int | None) -> Admitted | GitRefusal:
        verdict = self._authenticator.judge_nobody(self._engine.catalog.repository(repository_id))
        if isinstance(verdict, GitRefusal):
            return verdict
        try:
            state = self._engine.load(repository_id)
        except RepositoryMissing:  # it went, or is another's and private, since the look before
            return UNAUTHORIZED
        return Admitted(verdict, state, mark) if state.record.is_public else UNAUTHORIZED
