"""What a version 2 client hears first. Format: gitprotocol-v2(5), "Capability Advertisement"."""

from __future__ import annotations

from packengine.pktline import FLUSH, encode_many
from packengine.protocol._capabilities import Capability, format_capability
from packengine.protocol._services import UploadPackOffer


def advertise_v2(offer: UploadPackOffer) -> bytes:
    """The whole answer to info/refs: over HTTP, version 2 has no `# service=` line before it."""
    commands: list[Capability] = [
        (b"ls-refs", b"unborn"),
        (b"fetch", b" ".join(sorted(offer.fetch_features))) if offer.fetch_features else b"fetch",
    ]
    capabilities = [*commands, *offer.identity()]
    return encode_many([b"version 2\n", *(format_capability(each) + b"\n" for each in capabilities), FLUSH])
