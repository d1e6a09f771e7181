"""A typed client of Packhouse's REST API. Imports nothing of the server, which shares the types with it."""

from packhouse_client._blocking import Download
from packhouse_client._retries import Retries
from packhouse_client._waiting import AsyncDownload
from packhouse_client.async_client import AsyncClient, AsyncRepository
from packhouse_client.client import Client, Repository
from packhouse_client.errors import (
    ApiError,
    BadName,
    BadRequest,
    Busy,
    ByteQuotaExceeded,
    ConfigurationError,
    ConnectionFailed,
    Forbidden,
    ForkDependency,
    ImportUnderWay,
    InvalidRepositoryId,
    MergeConflict,
    NoteExists,
    NotFound,
    PackhouseError,
    PurgeUnderWay,
    QuotaExceeded,
    RateLimited,
    RefConflict,
    RepositoryExists,
    RepositoryNotEmpty,
    ServerError,
    StateGone,
    Unauthorized,
    UnexpectedAnswer,
)

__version__ = "0.1.0"

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncDownload",
    "AsyncRepository",
    "BadName",
    "BadRequest",
    "Busy",
    "ByteQuotaExceeded",
    "Client",
    "ConfigurationError",
    "ConnectionFailed",
    "Download",
    "Forbidden",
    "ForkDependency",
    "ImportUnderWay",
    "InvalidRepositoryId",
    "MergeConflict",
    "NotFound",
    "NoteExists",
    "PackhouseError",
    "PurgeUnderWay",
    "QuotaExceeded",
    "RateLimited",
    "RefConflict",
    "Repository",
    "RepositoryExists",
    "RepositoryNotEmpty",
    "Retries",
    "ServerError",
    "StateGone",
    "Unauthorized",
    "UnexpectedAnswer",
    "__version__",
]
