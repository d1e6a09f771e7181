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

    def __init__(self, repository_id: str, forks: Sequence[str], *, are_foreign: bool = False) -> None:
        whose, how = ("fork(s) of others", "force") if are_foreign else ("live fork(s)", "force or cascade")
        super().__init__(f"{repository_id} has {len(forks)} {whose}; delete with {how}")
        self.repository_id = repository_id
        self.forks = list(forks)


class AccessEnded(RepositoryError):
    """Whoever began this may no longer do it."""


class LimitReached(RepositoryError):
    """A repository has as much of something as it may have."""


class ByteQuotaExceeded(LimitReached):
    """A publish that would make a repository larger than it may be."""

    def __init__(self, repository_id: str, bytes_used: int, limit_bytes: int) -> None:
        super().__init__(f"{repository_id} would have {bytes_used} bytes, the limit is {limit_bytes}")
        self.repository_id = repository_id
        self.bytes_used = bytes_used
        self.limit_bytes = limit_bytes


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


class BrowsingRefused(RepositoryError):
    """A read that names what is not there, or asks for what makes no sense. The message is the client's."""


class WriteRefused(RepositoryError):
    """A commit, merge or note that cannot be made as it was asked for. The message says what is wrong with it."""


class RefRefused(RepositoryError):
    """A ref that may not be moved so."""

    def __init__(self, ref: bytes, reason: str, *, is_forbidden: bool = False) -> None:
        super().__init__(f"{ref.decode(errors='replace')}: {reason}")
        self.ref = ref
        self.is_forbidden = is_forbidden
        """Whether somebody else might, or this one elsewhere; else nobody can."""


class RefConflict(RepositoryError):
    """A ref is not where whoever wants to move it believes it is. Values are raw ids, None where there is no ref."""

    def __init__(self, name: str, expected: bytes | None, current: bytes | None) -> None:
        super().__init__(f"{name} {_standing(current)}, and was expected {_expectation(expected)}")
        self.name = name
        self.expected = expected
        self.current = current


class MergeConflict(RepositoryError):
    """Two branches that changed the same in different ways. conflicts: (path, kind of the conflict)."""

    def __init__(self, source_branch: str, target_branch: str, conflicts: Sequence[tuple[bytes, str]]) -> None:
        super().__init__(f"{source_branch} does not merge into {target_branch}: {len(conflicts)} conflict(s)")
        self.source_branch = source_branch
        self.target_branch = target_branch
        self.conflicts = list(conflicts)


class NoteMissing(RepositoryError):
    """The object has no note."""


class NoteExists(RepositoryError):
    """The object has a note, which was not to be replaced."""


def _standing(oid: bytes | None) -> str:
    return "does not exist" if oid is None else f"is at {oid.hex()}"


def _expectation(oid: bytes | None) -> str:
    return "not to exist" if oid is None else f"at {oid.hex()}"


class StateUnknown(RepositoryError):
    """The repository never had such a state, or so long ago that it is not looked for."""


class StateGone(RepositoryError):
    """A past state, or what its refs reached, is no longer stored."""


class ForkPointUnknown(RepositoryError):
    """What a fork is to show is not there, or not reached from the refs of its source."""


class BadCursor(RepositoryError):
    """A cursor that does not come from here."""

    def __init__(self) -> None:
        super().__init__("the cursor is none that an answer of this repository gave")


class RestoreRefused(RepositoryError):
    """Refs that cannot have again what they had. The message says which and why."""
