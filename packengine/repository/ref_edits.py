"""Refs listed in pages, and moved one at a time by compare-and-swap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from packengine.manifests import PublishKind
from packengine.refs import RefEntry
from packengine.refs.names import check_ref_name
from packengine.repository.browsing.cursors import decode_cursor, encode_cursor
from packengine.repository.errors import RefConflict, RefRefused, WriteRefused
from packengine.repository.push_drafts import PushMeans
from packengine.repository.state import RepositoryState
from packengine.repository.writing import Proposal, Writer, one_command, publish_written, value_of
from packengine.storage.ports import Committed

_LIST = "refs"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a ref must stand for if it is to move; None: it must not exist."""

    value: bytes | None


@dataclass(frozen=True, slots=True)
class RefPage:
    """Some refs in name order, and where the list goes on, if it does."""

    entries: Sequence[RefEntry]
    cursor: str | None


class RefEdits:
    """Lists and moves the refs of one engine's repositories. What is hidden does not exist here."""

    def __init__(self, means: PushMeans) -> None:
        self._means = means
        self._hidden = means.policy.hidden_refs

    def page(self, state: RepositoryState, prefix: bytes, limit: int, cursor: str | None = None) -> RefPage:
        """At most `limit` refs whose names start with `prefix`. Cost: that of those refs. Raises BadCursor."""
        after = None if cursor is None else decode_cursor(cursor, (_LIST, prefix), 1)[0]
        if limit == 0:
            return RefPage([], None)
        entries = list(islice(self._hidden.shown(state.manifest.refs, prefix, after=after), limit + 1))
        is_last = len(entries) <= limit
        return RefPage(entries[:limit], None if is_last else encode_cursor((_LIST, prefix), entries[limit - 1].name))

    def move(
        self, state: RepositoryState, name: bytes, new: bytes, expected: Expected | None, writer: Writer
    ) -> Committed | None:
        """Create or move a ref; expected: None for wherever it is. Durable on return; None if it is there already.

        Raises BadRefName, RefConflict, WriteRefused for an object that no ref reaches, RefRefused, AccessEnded.
        """
        check_ref_name(name, max_bytes=self._means.limits.max_ref_name_bytes)

        def propose(newest: RepositoryState) -> Proposal | None:
            current = self._checked_value(newest, name, expected)
            if not self._means.visibility.usable(newest).contains(new):
                raise WriteRefused(f"{new.hex()} is no object of this repository")
            return None if current == new else Proposal(one_command(newest, name, current, new))

        return publish_written(self._means, state, propose, writer, PublishKind.PUSH, is_quick=True)

    def delete(
        self, state: RepositoryState, name: bytes, expected: Expected | None, writer: Writer
    ) -> Committed | None:
        """Delete a ref. Durable on return. Raises as `move`, and RefRefused for one that is not there."""

        def propose(newest: RepositoryState) -> Proposal:
            current = self._checked_value(newest, name, expected)
            if current is None:
                raise RefRefused(name, "no such ref")
            return Proposal(one_command(newest, name, current, None))

        return publish_written(self._means, state, propose, writer, PublishKind.PUSH, is_quick=True)

    def _checked_value(self, state: RepositoryState, name: bytes, expected: Expected | None) -> bytes | None:
        current = value_of(state, name, self._hidden)
        if expected is not None and current != expected.value:
            raise RefConflict(name.decode(errors="replace"), expected.value, current)
        return current
