"""What became of refs between two tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packengine.refs.blocks import RefEntry
from packengine.refs.table import RefTable


@dataclass(frozen=True, slots=True)
class RefMove:
    """A ref that has another value in one table than in another; None where it is not there."""

    name: bytes
    before: RefEntry | None
    after: RefEntry | None


def moves_between(older: RefTable, newer: RefTable) -> Iterator[RefMove]:
    """In name order. Blocks that both tables have are not read, and others only as they are reached."""
    gone, came = older.apart_from(newer), newer.apart_from(older)
    before, after = next(gone, None), next(came, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.name < after.name):
            assert before is not None  # noqa: S101  # for the type checker
            yield RefMove(before.name, before, None)
            before = next(gone, None)
        elif before is None or after.name < before.name:
            yield RefMove(after.name, None, after)
            after = next(came, None)
        else:
            if before.oid != after.oid:
                yield RefMove(after.name, before, after)
            before, after = next(gone, None), next(came, None)
