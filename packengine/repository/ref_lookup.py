"""Refs by the names that people type. Rules: gitrevisions(7), "<refname>"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packengine.refs import HiddenRefs
from packengine.refs.names import TAG_PREFIX
from packengine.repository.state import RepositoryState

_RULES = (b"%b", b"refs/%b", b"refs/tags/%b", b"refs/heads/%b", b"refs/remotes/%b", b"refs/remotes/%b/HEAD")


class RefLookup:
    """The refs of one state that clients may know of."""

    def __init__(self, state: RepositoryState, hidden: HiddenRefs) -> None:
        self._state = state
        self._hidden = hidden

    def value(self, name: bytes) -> bytes | None:
        """What a full name, or HEAD, stands for."""
        if self._hidden.hides(name):
            return None
        entry = self._state.head_entry() if name == b"HEAD" else self._state.manifest.refs.get(name)
        return entry.oid if entry is not None else None

    def values(self, names: Sequence[bytes]) -> dict[bytes, bytes]:
        """The same for all those of the names that stand for something: a client may name every ref that it wants."""
        shown = [name for name in names if not self._hidden.hides(name)]
        found = {name: entry.oid for name, entry in self._state.manifest.refs.get_many(shown).items()}
        head = self.value(b"HEAD") if b"HEAD" in names else None
        return found if head is None else {**found, b"HEAD": head}

    def annotated_tags(self) -> Iterator[tuple[bytes, bytes]]:
        """(raw id, id of what it tags in the end) of each annotated tag."""
        return self._hidden.shown_peeled(self._state.manifest.refs, TAG_PREFIX)

    def full_name(self, text: bytes) -> bytes | None:
        """The most likely ref that a short name could mean, if there is any; HEAD stands for its branch."""
        for rule in _RULES:
            name = rule % text
            if self.value(name) is not None:
                return self._state.manifest.head if name == b"HEAD" else name
        return None

    def expand(self, text: bytes) -> list[bytes]:
        """The values of all refs that a short name could mean, the most likely first."""
        found = (self.value(rule % text) for rule in _RULES)
        return [value for value in found if value is not None]
