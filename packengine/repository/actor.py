"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asked for a publish, and in which request: both go into the manifest."""

    subject: str
    request_id: str
