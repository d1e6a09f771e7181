"""A bundle: some refs, and packs that hold all that they reach, as one file that any Git client reads.

Format: gitformat-bundle(5), version 2 for SHA-1 and version 3 for SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from packengine.manifests import ObjectFormat, PackRecord

_SIGNATURES: dict[ObjectFormat, bytes] = {
    "sha1": b"# v2 git bundle\n",
    "sha256": b"# v3 git bundle\n@object-format=sha256\n",
}


@dataclass(frozen=True)
class Bundle:
    """What goes into one bundle. Equal contents have equal names, in whatever repository."""

    object_format: ObjectFormat
    refs: tuple[tuple[bytes, bytes], ...]
    """(name, raw id), in the order in which they are written."""

    packs: tuple[PackRecord, ...]
    """Newest first."""

    creation_token: int
    """When the state that it was made of was published, in seconds: a repository's bundles are in this order."""

    @cached_property
    def header(self) -> bytes:
        """Everything before the pack."""
        lines = [b"%b %b\n" % (oid.hex().encode(), name) for name, oid in self.refs]
        return b"".join([_SIGNATURES[self.object_format], *lines, b"\n"])

    @cached_property
    def digest(self) -> bytes:
        """What the bundle is called: SHA-256 over its header and its packs' names."""
        names = [pack.digest.hex().encode() + b"\n" for pack in self.packs]
        return hashlib.sha256(b"".join([b"packhouse-bundle 1\n", self.header, *names])).digest()

    @property
    def size_bytes(self) -> int:
        """About how large the file is."""
        return len(self.header) + sum(pack.size_bytes for pack in self.packs)
