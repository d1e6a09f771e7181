"""What can be done with a repository: open, push, fetch, fork, import, export, verify."""

from packengine.repository.actor import Actor
from packengine.repository.engine import Engine
from packengine.repository.errors import (
    AccessEnded,
    BranchNameError,
    ExportRefused,
    ForkDependency,
    ImportRefused,
    InvalidRepositoryId,
    LimitReached,
    RepositoryError,
    UnknownObjectFormat,
)
from packengine.repository.fetch import Fetch, FetchService, NotOurRef, PackOptions
from packengine.repository.lifecycle import RepositoryDetails
from packengine.repository.limits import Limits
from packengine.repository.progress import Progress
from packengine.repository.push import Push, PushOutcome, PushService
from packengine.repository.state import RepositoryState
from packengine.repository.verify import VerifyReport

__all__ = [
    "AccessEnded",
    "Actor",
    "BranchNameError",
    "Engine",
    "ExportRefused",
    "Fetch",
    "FetchService",
    "ForkDependency",
    "ImportRefused",
    "InvalidRepositoryId",
    "LimitReached",
    "Limits",
    "NotOurRef",
    "PackOptions",
    "Progress",
    "Push",
    "PushOutcome",
    "PushService",
    "RepositoryDetails",
    "RepositoryError",
    "RepositoryState",
    "UnknownObjectFormat",
    "VerifyReport",
]
