"""A BlobStore in a dictionary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from packengine.storage.ports import BlobMissing, CorruptBlob, Digest


class MemoryBlobStore:
    """Keeps blobs as bytes; writes one to `scratch` when somebody asks for a file."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._blobs: dict[Digest, bytes] = {}

    def put_file(self, path: Path, digest: Digest) -> None:
        """Read the file and take it away."""
        data = path.read_bytes()
        stored = self._blobs.get(_checked(digest))
        if stored is not None and len(stored) != len(data) and hashlib.sha256(data).digest() != digest:
            raise CorruptBlob(f"{path}: not blob {digest.hex()}")
        self._blobs.setdefault(digest, data)
        path.unlink()

    def put_bytes(self, data: bytes) -> Digest:
        """Keep `data`."""
        digest = hashlib.sha256(data).digest()
        self._blobs.setdefault(digest, data)
        return digest

    def open(self, digest: Digest) -> BinaryIO:
        """A seekable reader."""
        return BytesIO(self._get(digest))

    def local_path(self, digest: Digest) -> Path:
        """A copy in `scratch`."""
        path = self._scratch / digest.hex()
        path.write_bytes(self._get(digest))
        return path

    def contains(self, digest: Digest) -> bool:
        """Whether it is kept."""
        return _checked(digest) in self._blobs

    def size_bytes(self, digest: Digest) -> int:
        """The blob's length."""
        return len(self._get(digest))

    def delete(self, digest: Digest) -> None:
        """Forget it."""
        self._blobs.pop(_checked(digest), None)

    def digests(self) -> Iterator[Digest]:
        """Every blob."""
        return iter(list(self._blobs))

    def _get(self, digest: Digest) -> bytes:
        try:
            return self._blobs[_checked(digest)]
        except KeyError:
            raise BlobMissing(f"no blob {digest.hex()}") from None


def _checked(digest: Digest) -> Digest:
    if len(digest) != 32:
        raise ValueError(f"a digest is 32 bytes, not {len(digest)}")
    return digest
