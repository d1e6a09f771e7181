"""Puts what a run printed into docs/performance.md, each table between its own two comments."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def replace_between(page: str, part: str, tables: str) -> str:
    """The page with other tables in that part. Raises ValueError if it lacks the part's comments."""
    begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"
    before, has_begin, rest = page.partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"no {begin.strip()!r} with {end.strip()!r} after it")
    return f"{before}{begin}\n{tables}\n\n{end}{after}"


def write_part(part: str, tables: str) -> None:
    """The same in the page itself."""
    PAGE.write_text(replace_between(PAGE.read_text(), part, tables))
