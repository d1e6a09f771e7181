"""The error envelope `{"error": {"code", "message", …}}`: its codes, with their statuses and further fields."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct, field


class ErrorBody(Struct, frozen=True, rename="camel"):
    """What went wrong: a code for programs, a sentence for people."""

    code: str
    message: str


class RefConflictBody(ErrorBody, frozen=True, rename="camel"):
    """The branch is not where the request expected it. null: it does not exist."""

    branch: str
    expected: str | None = None
    current: str | None = None


class ConflictItem(Struct, frozen=True):
    """What is wrong at a path."""

    path: str
    kind: str


class MergeConflictBody(ErrorBody, frozen=True, rename="camel"):
    """Both sides changed the same; the paths, and of each what is wrong there."""

    source_branch: str
    target_branch: str
    conflicts: list[str]
    details: list[ConflictItem] = field(default_factory=list)


class ForkDependencyBody(ErrorBody, frozen=True, rename="camel"):
    """The repository has live forks."""

    repo_id: str
    forks: list[str]


class QuotaExceededBody(ErrorBody, frozen=True, rename="camel"):
    """The subject has as many repositories as it may."""

    subject: str
    limit: int


class RateLimitedBody(ErrorBody, frozen=True, rename="camel"):
    """Too many requests of this kind. `retryAfter`: seconds, as in the header `Retry-After`."""

    retry_after: int


class ByteQuotaExceededBody(ErrorBody, frozen=True, rename="camel"):
    """The repository would be larger than it may."""

    repo_id: str
    bytes_used: int
    limit: int


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A code: the statuses it comes with, the fields of its envelope, and what it means."""

    statuses: tuple[int, ...]
    meaning: str
    body: type[ErrorBody] = ErrorBody


ERRORS = {
    "unauthorized": ErrorKind((401,), "No valid credentials."),
    "forbidden": ErrorKind((403,), "The credentials are valid, and not for this."),
    "rate_limited": ErrorKind((429,), "Too many requests of this kind by this subject.", RateLimitedBody),
    "invalid_repo_id": ErrorKind((400,), "A repository id is 4 to 64 of a-z, 0-9, _ and -."),
    "repo_not_found": ErrorKind((404,), "There is no such repository, or nothing of that name in it."),
    "repo_exists": ErrorKind((409,), "The id is taken."),
    "fork_dependency": ErrorKind((409,), "The repository has live forks.", ForkDependencyBody),
    "quota_exceeded": ErrorKind((429,), "The subject has as many repositories as it may.", QuotaExceededBody),
    "repo_byte_quota_exceeded": ErrorKind((413,), "The repository would be larger than it may.", ByteQuotaExceededBody),
    "ref_conflict": ErrorKind((409,), "The ref is not where the request expected it.", RefConflictBody),
    "merge_conflict": ErrorKind((409,), "Both sides changed the same.", MergeConflictBody),
    "import_under_way": ErrorKind((409,), "The repository has an import that has not ended."),
    "purge_under_way": ErrorKind((409,), "The repository has a purge that has not ended."),
    "repo_not_empty": ErrorKind((409,), "The repository has refs that did not come from there."),
    "note_exists": ErrorKind((409,), "The commit has a note, and the request does not replace it."),
    "state_gone": ErrorKind((409,), "A past state, or what its refs reached, is no longer stored."),
    "bad_request": ErrorKind((400, 404, 405, 408, 413, 415, 416, 422), "The request cannot be understood or served."),
    "db_busy": ErrorKind((503,), "Others write; try again after `Retry-After` seconds."),
    "internal": ErrorKind((500,), "A defect of the server; its log has more, under the request's id."),
}
"""Every code, with the statuses that it comes with; the first is the usual one."""
