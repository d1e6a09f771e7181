"""A clock that a test moves: by it publishes are dated, repositories deleted, and garbage collected."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from packengine.repository import lifecycle, publish

DAY_MS = 24 * 3600 * 1000


class MovedClock:
    """Starts at the present and stands still until it is moved. Files are dated by the real one, and so are older."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_ms = time.time_ns() // 1_000_000
        patch.setattr(publish, "time", SimpleNamespace(time_ns=lambda: self.now_ms * 1_000_000))
        patch.setattr(lifecycle, "time", SimpleNamespace(time=lambda: self.now_ms / 1000))

    def move(self, *, days: float = 0, ms: int = 0) -> None:
        """Forward."""
        self.now_ms += int(days * DAY_MS) + ms
