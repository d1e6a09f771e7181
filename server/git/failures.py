"""What can go wrong below a Git request, and what its client is told of it."""

from __future__ import annotations

import logging

from core_ext import CoreError, LimitExceeded
from packengine.repository import RepositoryError
from packengine.storage.ports import CatalogBusy, RepositoryMissing, StorageError
from server.asgi.context import CURRENT_REQUEST

FAILURES = (RepositoryError, StorageError, CoreError, OSError)
"""What the engine raises where the request itself was well-formed. OSError: a full disk under a quarantine file."""

_log = logging.getLogger(__name__)


def sentence_for(failure: Exception) -> bytes:
    """A sentence for the client. What only the operator can mend is logged, and not described to strangers."""
    match failure:
        case RepositoryError() | LimitExceeded():  # of a sparse filter, say: its sender can do something about it
            return str(failure).encode()
        case RepositoryMissing():
            return b"no such repository"
        case CatalogBusy():
            return b"the server is busy; try again"
        case _:
            _log.error("request failed", exc_info=failure)
            record = CURRENT_REQUEST.get()
            request = b"" if record is None else b" (request %b)" % record.request_id.encode("ascii")
            return b"internal error; the server's log says which" + request
