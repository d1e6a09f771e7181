"""What the engine refuses, beyond what storage and the compiled core refuse."""

from __future__ import annotations

from collections.abc import Sequence


class RepositoryError(Exception):
    """A request that cannot be met; nothing changed."""


class InvalidRepositoryId(RepositoryError):
    """The id is not `[a-z0-9_-]{4,64}`."""


class BranchNameError(RepositoryError):
    """The name cannot be a branch's."""


class UnknownObjectFormat(RepositoryError):
    """Neither sha1 nor sha256."""


class ForkDependency(RepositoryError):
    """Live forks stand in the way of a deletion."""

    def __init__(self, repository_id: str, forks: Sequence[str]) -> None:
        super().__init__(f"{repository_id} has {len(forks)} live fork(s); delete with force or cascade")
        self.repository_id = repository_id
        self.forks = list(forks)


class AccessEnded(RepositoryError):
    """Whoever began this may no longer do it."""


class LimitReached(RepositoryError):
    """A repository has as much of something as it may have."""


class ImportRefused(RepositoryError):
    """The folder is no repository that can be taken over whole."""


class FetchRefused(RepositoryError):
    """A fetch that names what is not there, or asks for what makes no sense. The message is the client's."""


class NotOurRef(FetchRefused):
    """A want that no ref of this repository reaches, or reached within the grace period."""

    def __init__(self, oid: bytes) -> None:
        super().__init__(f"upload-pack: not our ref {oid.hex()}")
        self.oid = oid


class ExportRefused(RepositoryError):
    """The target folder cannot take an export."""
