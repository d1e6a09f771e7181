"""What can be done with a repository: open, push, fetch, fork, import, export, verify."""

from packengine.repository.actor import Actor
from packengine.repository.bundle import Bundle
from packengine.repository.bundles import BundleService, StoredPack
from packengine.repository.engine import Engine
from packengine.repository.errors import (
    AccessEnded,
    BranchNameError,
    ByteQuotaExceeded,
    ExportRefused,
    FetchRefused,
    ForkDependency,
    ImportRefused,
    InvalidRepositoryId,
    LimitReached,
    NotOurRef,
    RepositoryError,
    UnknownObjectFormat,
)
from packengine.repository.fetch import Fetch, FetchService, Selection
from packengine.repository.fork_points import ForkPoint
from packengine.repository.lifecycle import Profile, RepositoryDetails
from packengine.repository.limits import Limits
from packengine.repository.progress import Progress
from packengine.repository.push import DeltaCount, Push, PushOutcome, PushService
from packengine.repository.ref_access import RefAccess
from packengine.repository.state import RepositoryState
from packengine.repository.verify import VerifyReport

__all__ = [
    "AccessEnded",
    "Actor",
    "BranchNameError",
    "Bundle",
    "BundleService",
    "ByteQuotaExceeded",
    "DeltaCount",
    "Engine",
    "ExportRefused",
    "Fetch",
    "FetchRefused",
    "FetchService",
    "ForkDependency",
    "ForkPoint",
    "ImportRefused",
    "InvalidRepositoryId",
    "LimitReached",
    "Limits",
    "NotOurRef",
    "Profile",
    "Progress",
    "Push",
    "PushOutcome",
    "PushService",
    "RefAccess",
    "RepositoryDetails",
    "RepositoryError",
    "RepositoryState",
    "Selection",
    "StoredPack",
    "UnknownObjectFormat",
    "VerifyReport",
]
