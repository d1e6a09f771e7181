"""Our requests to another server's upload-pack, one POST each. Format: gitprotocol-v2(5), gitprotocol-pack(5)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol._capabilities import Capability, format_capabilities, format_capability, sanitise_agent
from packengine.protocol._errors import RemoteProtocolError
from packengine.protocol._oids import hex_oid
from packengine.protocol.client._offer import RemoteOffer


def ls_refs_request(offer: RemoteOffer, prefixes: Iterable[bytes], agent: bytes) -> bytes:
    """HEAD, and the refs whose names start with any of these. Raises RemoteProtocolError if it is not offered."""
    arguments = [b"symrefs\n", b"ref-prefix HEAD\n", *(b"ref-prefix %b\n" % prefix for prefix in prefixes)]
    if b"unborn" in offer.features(b"ls-refs"):
        arguments.insert(0, b"unborn\n")
    return _command(offer, b"ls-refs", arguments, agent)


def fetch_request(
    offer: RemoteOffer, wants: Sequence[bytes], haves: Iterable[bytes], agent: bytes, *, done: bool
) -> bytes:
    """One round of version 2: all wants, all that is known to be common, and further haves."""
    arguments = [b"thin-pack\n", b"ofs-delta\n", *_wants(wants), *_haves(haves)]
    return _command(offer, b"fetch", [*arguments, *([b"done\n"] if done else [])], agent)


def legacy_fetch_request(
    offer: RemoteOffer, wants: Sequence[bytes], haves: Iterable[bytes], agent: bytes, *, done: bool
) -> bytes:
    """The same before version 2. Raises RemoteProtocolError for a remote that sends packs without bands."""
    first, *others = wants
    words = format_capabilities(_legacy_capabilities(offer, agent))
    packets: list[Packet] = [b"want %b %b\n" % (hex_oid(first), words), *_wants(others), FLUSH, *_haves(haves)]
    # Behind haves a flush asks for an answer to them; behind `done` nothing may follow.
    return encode_many([*packets, b"done\n" if done else FLUSH])


def _command(offer: RemoteOffer, command: bytes, arguments: Iterable[bytes], agent: bytes) -> bytes:
    if not offer.has(command):
        raise RemoteProtocolError(f"the remote does not offer {command.decode()}")
    keys = [b"command=%b\n" % command, *(format_capability(each) + b"\n" for each in _identity(offer, agent))]
    return encode_many([*keys, DELIM, *arguments, FLUSH])


def _legacy_capabilities(offer: RemoteOffer, agent: bytes) -> list[Capability]:
    bands = next((each for each in (b"side-band-64k", b"side-band") if offer.has(each)), None)
    if bands is None:
        raise RemoteProtocolError("the remote offers no side-band: it could not say what went wrong")
    known = (b"multi_ack_detailed", b"no-done", b"thin-pack", b"ofs-delta")
    return [*(each for each in known if offer.has(each)), bands, *_identity(offer, agent)]


def _identity(offer: RemoteOffer, agent: bytes) -> list[Capability]:
    """What a client may say of itself: only what the server said first."""
    said = [(b"agent", sanitise_agent(agent)), (b"object-format", offer.object_format)]
    return [(key, value) for key, value in said if offer.has(key)]


def _wants(oids: Iterable[bytes]) -> list[bytes]:
    return [b"want %b\n" % hex_oid(oid) for oid in oids]


def _haves(oids: Iterable[bytes]) -> list[bytes]:
    return [b"have %b\n" % hex_oid(oid) for oid in oids]
