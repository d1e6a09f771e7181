"""The data types of SSH's wire that keys and signatures are made of. Format: RFC 4251, section 5."""

from __future__ import annotations


class MalformedSsh(ValueError):
    """Bytes that end before what they announce, or go on after it."""


class SshReader:
    """Reads values one after the other. Every length is checked against what is there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size_bytes: int) -> bytes:
        """Bytes as they are."""
        end = self._at + size_bytes
        if end > len(self._data):
            raise MalformedSsh(f"{size_bytes} bytes announced, {len(self._data) - self._at} left")
        taken, self._at = self._data[self._at : end], end
        return taken

    def uint32(self) -> int:
        """An unsigned integer of four bytes, big-endian."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Bytes behind their length."""
        return self.take(self.uint32())

    def mpint(self) -> int:
        """A signed integer of any length."""
        return int.from_bytes(self.string(), "big", signed=True)

    def end(self) -> None:
        """Raises MalformedSsh if anything is left."""
        if self._at != len(self._data):
            raise MalformedSsh(f"{len(self._data) - self._at} bytes too many")


def ssh_string(data: bytes) -> bytes:
    """Bytes behind their length."""
    return len(data).to_bytes(4, "big") + data
