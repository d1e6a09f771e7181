"""Moments."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Instant = int | Annotated[str, Meta(max_length=64)]
"""Milliseconds since 1970, as answers have them, or an RFC 3339 date and time with its offset."""
