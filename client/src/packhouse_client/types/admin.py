"""What only the administrator does."""

from __future__ import annotations

from msgspec import Struct


class AdminTokenRotated(Struct, frozen=True):
    """The new admin token, told here and nowhere else. The one before is good for nothing any more."""

    token: str


class JwtKeyRotated(Struct, frozen=True):
    """The new secret for HS256, told here and nowhere else. `persisted`: whether it outlives a restart."""

    key: str
    persisted: bool
