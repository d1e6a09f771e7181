"""What a remote's upload-pack says it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packengine.protocol._capabilities import LEGACY_OBJECT_FORMAT, sanitise_agent
from packengine.protocol._versions import ProtocolVersion


@dataclass(frozen=True, slots=True)
class RemoteOffer:
    """The capabilities of one remote, by which our requests to it are made."""

    version: ProtocolVersion
    capabilities: Mapping[bytes, bytes | None]
    """Of version 2: commands too, each with the words of its value."""

    @property
    def object_format(self) -> bytes:
        """What its ids are; a server that does not say knows of one format only."""
        return self.capabilities.get(b"object-format") or LEGACY_OBJECT_FORMAT

    @property
    def agent(self) -> str:
        """What it says it runs; for logs."""
        return sanitise_agent(self.capabilities.get(b"agent") or b"").decode("ascii")

    def has(self, capability: bytes) -> bool:
        """Whether it is in the list at all."""
        return capability in self.capabilities

    def features(self, command: bytes) -> frozenset[bytes]:
        """The words behind a command of version 2."""
        return frozenset((self.capabilities.get(command) or b"").split())
