"""What can go wrong: answers other than success, each code as an exception of its own; and no answer at all."""

from __future__ import annotations

from packhouse_client.types.errors import (
    ByteQuotaExceededBody,
    ConflictItem,
    ErrorBody,
    ForkDependencyBody,
    MergeConflictBody,
    QuotaExceededBody,
    RateLimitedBody,
    RefConflictBody,
)


class PackhouseError(Exception):
    """The base of all that the client raises by itself."""


class ConfigurationError(PackhouseError):
    """It is not known which server to ask, or the file that says so cannot be used."""


class BadName(PackhouseError, ValueError):
    """A name with a part `.` or `..`: none is so called, and it would lead to another place of the server."""


class ConnectionFailed(PackhouseError):
    """No answer came: no connection, or silence for longer than the timeout. A write may have been done or not."""


class UnexpectedAnswer(PackhouseError):
    """An answer that is none of this API, maybe a proxy's."""


class ApiError(PackhouseError):
    """The server refused. `code` is for programs; the message says what, where, and which limit.

    Codes that this version does not know are plain ApiErrors.
    """

    body: ErrorBody

    def __init__(self, status: int, body: ErrorBody, request_id: str | None = None) -> None:
        super().__init__(body.message)
        self.status = status
        self.body = body
        self.request_id = request_id
        """What the server's log calls the request."""

    @property
    def code(self) -> str:
        """The code of the envelope."""
        return self.body.code

    @property
    def message(self) -> str:
        """The sentence of the envelope."""
        return self.body.message


class BadRequest(ApiError):
    """The request cannot be understood or served."""


class Unauthorized(ApiError):
    """No valid credentials."""


class Forbidden(ApiError):
    """The credentials are valid, and not for this."""


class InvalidRepositoryId(ApiError):
    """A repository id is 4 to 64 of a-z, 0-9, _ and -."""


class NotFound(ApiError):
    """There is no such repository, or nothing of that name in it."""


class RepositoryExists(ApiError):
    """The id is taken."""


class ForkDependency(ApiError):
    """The repository has live forks."""

    body: ForkDependencyBody

    @property
    def forks(self) -> list[str]:
        """Their ids."""
        return self.body.forks


class RefConflict(ApiError):
    """The ref is not where the request expected it: somebody else moved it."""

    body: RefConflictBody

    @property
    def branch(self) -> str:
        """Which one."""
        return self.body.branch

    @property
    def expected(self) -> str | None:
        """Where the request expected it; None: not to exist."""
        return self.body.expected

    @property
    def current(self) -> str | None:
        """Where it is; None: it does not exist."""
        return self.body.current


class MergeConflict(ApiError):
    """Both sides changed the same."""

    body: MergeConflictBody

    @property
    def conflicts(self) -> list[str]:
        """The paths."""
        return self.body.conflicts

    @property
    def details(self) -> list[ConflictItem]:
        """What is wrong at each of them."""
        return self.body.details


class NoteExists(ApiError):
    """The commit has a note, and the request does not replace it."""


class RepositoryNotEmpty(ApiError):
    """The repository has refs that did not come from where it is to be filled from."""


class ImportUnderWay(ApiError):
    """The repository has an import that has not ended."""


class PurgeUnderWay(ApiError):
    """The repository has a purge that has not ended."""


class StateGone(ApiError):
    """A past state, or what its refs reached, is no longer stored."""


class QuotaExceeded(ApiError):
    """The subject has as many repositories as it may."""

    body: QuotaExceededBody

    @property
    def limit(self) -> int:
        """So many."""
        return self.body.limit


class ByteQuotaExceeded(ApiError):
    """The repository would be larger than it may."""

    body: ByteQuotaExceededBody

    @property
    def used_bytes(self) -> int:
        """What it has now."""
        return self.body.bytes_used

    @property
    def limit_bytes(self) -> int:
        """What it may have."""
        return self.body.limit


class RateLimited(ApiError):
    """Too many requests of this kind, also after the retries."""

    body: RateLimitedBody

    @property
    def retry_after_s(self) -> int:
        """When one more is admitted."""
        return self.body.retry_after


class Busy(ApiError):
    """Others write, also after the retries."""


class ServerError(ApiError):
    """A defect of the server."""


BY_CODE: dict[str, type[ApiError]] = {
    "bad_request": BadRequest,
    "db_busy": Busy,
    "forbidden": Forbidden,
    "fork_dependency": ForkDependency,
    "import_under_way": ImportUnderWay,
    "purge_under_way": PurgeUnderWay,
    "internal": ServerError,
    "invalid_repo_id": InvalidRepositoryId,
    "merge_conflict": MergeConflict,
    "note_exists": NoteExists,
    "quota_exceeded": QuotaExceeded,
    "rate_limited": RateLimited,
    "ref_conflict": RefConflict,
    "repo_byte_quota_exceeded": ByteQuotaExceeded,
    "repo_exists": RepositoryExists,
    "repo_not_empty": RepositoryNotEmpty,
    "repo_not_found": NotFound,
    "state_gone": StateGone,
    "unauthorized": Unauthorized,
}
"""The exception of each code."""
