"""Authorisation of Git requests by repository tokens.

A private repository and a missing one answer alike: the token is judged before the repository is looked for, and the
refusal depends on nothing but the token, the id in the path and the service. Without any credentials only public
repositories can be fetched from; a token that is no good is refused there too, as its holder will want to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from packengine.repository import RefAccess
from packengine.storage.ports import Catalog, RepositoryRecord, TokenRecord, TokenScope
from server.auth.header import git_token
from server.auth.identity import ANONYMOUS
from server.auth.tokens import hash_token, token_id

GitService = Literal["git-upload-pack", "git-receive-pack"]
Headers = tuple[tuple[bytes, bytes], ...]

CHALLENGE: Headers = ((b"www-authenticate", b'Basic realm="artifacts"'),)


@dataclass(frozen=True, slots=True)
class GitGrant:
    """The request may go on, as far as its token is concerned."""

    repository_id: str
    token: TokenRecord | None
    """None: nobody in particular, who fetches from a public repository."""

    @property
    def subject(self) -> str:
        """What logs, manifests and audit rows call the holder of the token."""
        return ANONYMOUS.subject if self.token is None else f"token:{token_id(self.token.token_hash)}"

    @property
    def ref_access(self) -> RefAccess:
        """Which refs the holder may move, and under which names rules may know it."""
        if self.token is None:
            return RefAccess(subject=None, is_admin=False, patterns=())
        return RefAccess(self.token.subject, is_admin=False, patterns=self.token.refs, token=self.subject)


@dataclass(frozen=True, slots=True)
class GitRefusal:
    """The answer to a request that may not go on. `headers` hold the content type; the length is the sender's."""

    status: int
    headers: Headers
    body: bytes


def _refusal(status: int, text: str, headers: Headers = ()) -> GitRefusal:
    """Plain text, because that is what Git shows to its user."""
    return GitRefusal(status, ((b"content-type", b"text/plain; charset=utf-8"), *headers), f"{text}\n".encode())


UNAUTHORIZED = _refusal(
    401, "a repository token is required: none was sent, or it is unknown, expired or revoked", CHALLENGE
)
FOREIGN_TOKEN = _refusal(403, "token not valid for this repo")
READ_ONLY_TOKEN = _refusal(403, "token is read-only")


class GitAuthenticator:
    """Judges the Authorization header of a Git request."""

    def __init__(self, catalog: Catalog, *, now_s: Callable[[], float] = time.time) -> None:
        self._catalog = catalog
        self._now_s = now_s

    def authorize(self, repository_id: str, header: str | None, service: GitService) -> GitGrant | GitRefusal:
        """Cost: one catalog read, so call it in a worker thread. The repository need not exist."""
        if header is None and service == "git-upload-pack":
            return self.judge_nobody(self._catalog.repository(repository_id))
        token_hash = sent_token_hash(header)
        record = self._catalog.token(token_hash) if token_hash is not None else None
        return self.judge(repository_id, record, service)

    def judge(self, repository_id: str, record: TokenRecord | None, service: GitService) -> GitGrant | GitRefusal:
        """The same of a record that was read, if there was one. Reads nothing but the clock."""
        if record is None or not self._is_live(record):
            return UNAUTHORIZED
        if record.repository_id != repository_id:
            return FOREIGN_TOKEN
        if service == "git-receive-pack" and record.scope is not TokenScope.WRITE:
            return READ_ONLY_TOKEN
        return GitGrant(repository_id, record)

    def judge_nobody(self, repository: RepositoryRecord | None) -> GitGrant | GitRefusal:
        """A fetch without any credentials. A repository that is not there is refused as a private one is."""
        if repository is None or not repository.is_public:
            return UNAUTHORIZED
        return GitGrant(repository.id, None)

    def _is_live(self, record: TokenRecord) -> bool:
        if record.revoked_at_s is not None:
            return False
        return record.expires_at_s is None or record.expires_at_s > self._now_s()


def sent_token_hash(header: str | None) -> bytes | None:
    """What the token of an Authorization header is known by; None if there is no token in it."""
    token = git_token(header)
    return None if token is None else hash_token(token)
