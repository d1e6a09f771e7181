"""What can go wrong below the command line in a way that its user can be told in a sentence."""

from __future__ import annotations

from core_ext import CoreError
from packengine.repository import RepositoryError
from packengine.storage.ports import StorageError

FAILURES = (RepositoryError, StorageError, CoreError, OSError)
