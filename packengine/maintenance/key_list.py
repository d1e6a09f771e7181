"""Names of rows, in little memory: a collection lists all that there are before it finds out which are named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packengine.storage.ports import RowKey, RowKind

_DIGEST_BYTES = 32
_KEY_BYTES = _DIGEST_BYTES + 1
_KINDS = tuple(RowKind)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}


class KeyList:
    """33 bytes for each, where an object would take some 150."""

    def __init__(self) -> None:
        self._packed = bytearray()

    def extend(self, keys: Iterable[RowKey]) -> None:
        """Append these."""
        for key in keys:
            self._packed += key.digest
            self._packed.append(_NUMBERS[key.kind])

    def __iter__(self) -> Iterator[RowKey]:
        for at in range(0, len(self._packed), _KEY_BYTES):
            digest = bytes(self._packed[at : at + _DIGEST_BYTES])
            yield RowKey(digest, _KINDS[self._packed[at + _DIGEST_BYTES]])
