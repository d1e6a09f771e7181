"""Which version of the protocol a client asks for. Format: gitprotocol-http(5), the Git-Protocol header."""

from __future__ import annotations

from enum import IntEnum


class ProtocolVersion(IntEnum):
    """A version of the wire protocol; receive-pack knows no version 2."""

    V0 = 0
    V1 = 1
    V2 = 2


_BY_KEY = {f"version={version.value}".encode(): version for version in ProtocolVersion}


def negotiate_version(git_protocol: bytes | None) -> ProtocolVersion:
    """The highest version among the header's colon-separated keys; keys that we do not know are passed over."""
    keys = (git_protocol or b"").split(b":")
    return max((_BY_KEY[key] for key in keys if key in _BY_KEY), default=ProtocolVersion.V0)
