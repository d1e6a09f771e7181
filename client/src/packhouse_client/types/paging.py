"""Pages of lists."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A number from 0 that a 64-bit integer holds. As the limit of a page, more than its maximum counts as the maximum."""
