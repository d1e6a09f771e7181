"""Capability lists: `key` and `key=value`, one a line in version 2, behind a NUL and separated by spaces before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from packengine.protocol._errors import RemoteProtocolError

ObjectFormat: TypeAlias = Literal["sha1", "sha256"]

Capability: TypeAlias = bytes | tuple[bytes, bytes]
"""A bare key, or a key with its value."""

OID_BYTES: Mapping[ObjectFormat, int] = {"sha1": 20, "sha256": 32}

LEGACY_OBJECT_FORMAT = b"sha1"
"""What a client means that names no object format."""

_PRINTABLE = bytes(byte if 33 <= byte <= 126 else ord(".") for byte in range(256))


def sanitise_agent(agent: bytes, *, limit_bytes: int = 256) -> bytes:
    """An agent or session id that fits into a capability list: what is not printable ASCII becomes a dot."""
    return agent[:limit_bytes].translate(_PRINTABLE)


def format_capability(capability: Capability) -> bytes:
    """`key` or `key=value`."""
    return capability if isinstance(capability, bytes) else b"=".join(capability)


def format_capabilities(capabilities: Iterable[Capability]) -> bytes:
    """A list as it stands behind the NUL."""
    return b" ".join(map(format_capability, capabilities))


def split_capability(text: bytes) -> tuple[bytes, bytes | None]:
    """Key and value; None where there is no `=`."""
    key, equals, value = text.partition(b"=")
    return key, value if equals else None


def parse_capabilities(text: bytes, *, max_bytes: int) -> dict[bytes, bytes | None]:
    """A list as it stands behind the NUL. Of a key that comes twice the first counts, as in Git."""
    if len(text) > max_bytes:
        raise RemoteProtocolError(f"a capability list of {len(text)} bytes, more than {max_bytes}")
    capabilities: dict[bytes, bytes | None] = {}
    for word in text.split():
        key, value = split_capability(word)
        capabilities.setdefault(key, value)
    return capabilities
