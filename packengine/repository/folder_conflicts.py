"""Which new refs cannot be beside others, as `a` cannot be beside `a/b`. A push may create a million, in any order.

What is stored is looked up for all of them together, in name order, so that each block is read once or twice. What the
push itself creates depends on the order of its commands: a new ref takes its place from whatever comes later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from packengine.refs import RefTable
from packengine.refs.names import conflicting_ref, folders_of
from packengine.refs.seeker import RefSeeker

_FOLDERS_ASKED = 10_000
"""Folders that are looked up together. Of deep names there are far more than can be in memory."""


def stored_rivals(stored: RefTable, created: Iterable[bytes]) -> dict[bytes, bytes]:
    """For each of the new names that cannot be beside a stored ref: one such ref."""
    if not len(stored):
        return {}
    names = sorted(set(created))
    folders = _stored_folders(stored, names)
    seeker = RefSeeker(stored)
    found = ((name, conflicting_ref(name, seeker.first_from, folders.__contains__)) for name in names)
    return {name: rival for name, rival in found if rival is not None}


class Births:
    """The refs that a push creates, one after the other.

    Cost: for each name its depth; in all, no more than that again for whatever conflicts.
    """

    def __init__(self, names: Sequence[bytes]) -> None:
        created = frozenset(names)
        self._above = {name: above for name in names if (above := _nearest(name, created)) is not None}
        """The deepest folder of a name that is to be created as a ref too. Hardly any name has one."""

        self._born: set[bytes] = set()
        self._below: dict[bytes, bytes] = {}
        """A ref that was born below this name."""

    def rival_of(self, name: bytes) -> bytes | None:
        """A ref that was born and that `name` cannot be beside."""
        return self._below.get(name) or next((above for above in self._all_above(name) if above in self._born), None)

    def add(self, name: bytes) -> None:
        """The ref is born."""
        self._born.add(name)
        for above in self._all_above(name):
            if above in self._below:
                return  # and so in all above it
            self._below[above] = name

    def _all_above(self, name: bytes) -> Iterator[bytes]:
        above = self._above.get(name)
        while above is not None:
            yield above
            above = self._above.get(above)


def _nearest(name: bytes, created: frozenset[bytes]) -> bytes | None:
    return next((folder for folder in reversed(folders_of(name)) if folder in created), None)


def _stored_folders(stored: RefTable, names: Iterable[bytes]) -> set[bytes]:
    """Those folders of the names that are stored as refs."""
    folders = _distinct_folders(names)
    found: set[bytes] = set()
    while asked := list(islice(folders, _FOLDERS_ASKED)):
        found |= stored.get_many(asked).keys()
    return found


def _distinct_folders(names: Iterable[bytes]) -> Iterator[bytes]:
    """names: sorted, so that all those in one folder follow each other."""
    before: list[bytes] = []
    for name in names:
        folders = folders_of(name)
        yield from (folder for at, folder in enumerate(folders) if at >= len(before) or folder != before[at])
        before = folders
