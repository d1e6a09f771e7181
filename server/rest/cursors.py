"""Where a list goes on, said beside an answer that is an array."""

from __future__ import annotations

NEXT_CURSOR = "X-Next-Cursor"


def cursor_header(cursor: str | None) -> dict[str, str]:
    """The header, which is absent at the end of a list."""
    return {} if cursor is None else {NEXT_CURSOR: cursor}
