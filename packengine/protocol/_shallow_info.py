"""What a client hears of its new boundary. Format: gitprotocol-v2(5), "shallow-info"; gitprotocol-pack(5)."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.protocol._oids import hex_oid


@dataclass(frozen=True, slots=True, kw_only=True)
class ShallowInfo:
    """How the client's boundary changes. Raw ids."""

    shallow: tuple[bytes, ...] = ()
    """Commits whose parents the client will not have."""

    unshallow: tuple[bytes, ...] = ()
    """Commits of the client's old boundary whose parents are in the pack: none but what it named itself."""

    def lines(self) -> list[bytes]:
        """The lines, without newlines as Git writes them, and without what stands around them."""
        return [
            *(b"shallow " + hex_oid(oid) for oid in self.shallow),
            *(b"unshallow " + hex_oid(oid) for oid in self.unshallow),
        ]
