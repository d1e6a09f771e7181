"""A remote's refs, as it lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol.client._limits import AnswerLimits
from packengine.refs.names import BRANCH_PREFIX, is_branch

HEAD = b"HEAD"
_LIKELY_HEADS = (BRANCH_PREFIX + b"main", BRANCH_PREFIX + b"master")


class RemoteRef(NamedTuple):
    """A name as it came, and a raw id. Whether the name can be a ref's is not judged here."""

    name: bytes
    oid: bytes


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """All that were listed, without HEAD, in the remote's order, each once."""

    refs: tuple[RemoteRef, ...]
    head: bytes | None
    """The branch that HEAD names, born or not; None if it names none, or the remote does not tell."""


class RefCollector:
    """Gathers refs as they come, no more of them than the limit."""

    def __init__(self, limits: AnswerLimits) -> None:
        self._max_refs = limits.max_refs
        self._refs: dict[bytes, bytes] = {}
        self._head_oid: bytes | None = None

    def add(self, name: bytes, oid: bytes) -> None:
        """Raises RemoteProtocolError for a name that comes twice, and for one too many."""
        if name == HEAD:
            self._head_oid = oid
            return
        if name in self._refs:
            raise RemoteProtocolError(f"the remote lists {shown(name).decode()} twice")
        if len(self._refs) >= self._max_refs:
            raise RemoteProtocolError(f"the remote has more than {self._max_refs} refs")
        self._refs[name] = oid

    def listed(self, head: bytes | None) -> RemoteRefs:
        """head: what HEAD names, if the remote told."""
        return RemoteRefs(tuple(RemoteRef(name, oid) for name, oid in self._refs.items()), head)

    def likely_head(self) -> bytes | None:
        """For servers that tell HEAD's value and not its branch: one that has the value, the usual names first."""
        if self._head_oid is None:
            return None
        usual = (name for name in _LIKELY_HEADS if self._refs.get(name) == self._head_oid)
        others = (name for name, oid in self._refs.items() if oid == self._head_oid and is_branch(name))
        return next(usual, None) or next(others, None)
