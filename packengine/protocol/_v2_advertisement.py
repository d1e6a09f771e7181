"""What a version 2 client hears first. Format: gitprotocol-v2(5), "Capability Advertisement"."""

from __future__ import annotations

from packengine.pktline import FLUSH, encode_many
from packengine.protocol._capabilities import Capability, format_capability
from packengine.protocol._services import UploadPackOffer

SERVER_OPTION = b"server-option"
"""The one key of a request that may come again and again. It has no value of ours."""


def advertise_v2(offer: UploadPackOffer) -> bytes:
    """The whole answer to info/refs: over HTTP, version 2 has no `# service=` line before it."""
    commands: list[Capability] = [(name, value) if value else name for name, value in offer.commands().items()]
    capabilities = [*commands, SERVER_OPTION, *offer.identity()]
    return encode_many([b"version 2\n", *(format_capability(each) + b"\n" for each in capabilities), FLUSH])
