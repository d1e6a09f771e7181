"""A BlobStore in a dictionary."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from packengine.storage.ports import BlobKey, BlobMissing, CorruptBlob, Digest


class MemoryBlobStore:
    """Keeps blobs as bytes; writes one to `scratch` when somebody asks for a file."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._blobs: dict[BlobKey, bytes] = {}

    def put_file(self, path: Path, digest: Digest, generation: int = 0) -> None:
        """Read the file and take it away."""
        data = path.read_bytes()
        key = _key(digest, generation)
        stored = self._blobs.get(key)
        if stored is not None and len(stored) != len(data) and hashlib.sha256(data).digest() != digest:
            raise CorruptBlob(f"{path}: not blob {digest.hex()}")
        self._blobs.setdefault(key, data)
        path.unlink()

    def put_bytes(self, data: bytes, generation: int = 0) -> Digest:
        """Keep `data`."""
        digest = hashlib.sha256(data).digest()
        self._blobs.setdefault(_key(digest, generation), data)
        return digest

    def open(self, digest: Digest, generation: int = 0) -> BinaryIO:
        """A seekable reader."""
        return BytesIO(self._get(digest, generation))

    def local_path(self, digest: Digest, generation: int = 0) -> Path:
        """A copy in `scratch`."""
        path = self._scratch / f"{digest.hex()}.{generation}"
        path.write_bytes(self._get(digest, generation))
        return path

    def contains(self, digest: Digest, generation: int = 0) -> bool:
        """Whether it is kept."""
        return _key(digest, generation) in self._blobs

    def size_bytes(self, digest: Digest, generation: int = 0) -> int:
        """The blob's length."""
        return len(self._get(digest, generation))

    def delete(self, digest: Digest, generation: int = 0) -> None:
        """Forget it."""
        self._blobs.pop(_key(digest, generation), None)

    def stored(self) -> Iterator[BlobKey]:
        """Every blob."""
        return iter(list(self._blobs))

    def _get(self, digest: Digest, generation: int) -> bytes:
        try:
            return self._blobs[_key(digest, generation)]
        except KeyError:
            raise BlobMissing(f"no blob {digest.hex()}, generation {generation}") from None


def _key(digest: Digest, generation: int) -> BlobKey:
    if len(digest) != 32:
        raise ValueError(f"a digest is 32 bytes, not {len(digest)}")
    return BlobKey(digest, generation)
