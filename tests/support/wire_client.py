"""The client's side of the wire, as far as tests and benchmarks need one: requests as bytes, answers as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from packengine.pktline import DELIM, FLUSH, Packet, PktLineDecoder, encode_many
from packengine.sideband import BandDecoder

AGENT = b"wire-client/1"
PUSH_CAPABILITIES = b"report-status side-band-64k"
_UNLIMITED = 1 << 62
_DATA_BAND, _PROGRESS_BAND = 1, 2


def decode(stream: bytes) -> list[Packet]:
    """Every packet of a whole stream."""
    decoder = PktLineDecoder(max_packets=_UNLIMITED, max_bytes=_UNLIMITED)
    packets = decoder.feed(stream)
    decoder.feed(b"")
    decoder.finish()
    return packets


def lines(packets: Iterable[Packet]) -> list[bytes]:
    """The payloads, without their newlines and without markers."""
    return [packet.removesuffix(b"\n") for packet in packets if isinstance(packet, bytes)]


# --- requests of version 2 --------------------------------------------------------------------------------------------


def command_request(command: bytes, arguments: Iterable[bytes], *, object_format: bytes = b"sha1") -> bytes:
    """Any command, its arguments line by line."""
    keys = [b"command=" + command, b"agent=" + AGENT, b"object-format=" + object_format]
    return encode_many([*_with_newlines(keys), DELIM, *_with_newlines(arguments), FLUSH])


def ls_refs_request(*prefixes: bytes, flags: Sequence[bytes] = (b"peel", b"symrefs", b"unborn")) -> bytes:
    """As `git ls-remote` and `git clone` ask."""
    return command_request(b"ls-refs", [*flags, *(b"ref-prefix " + prefix for prefix in prefixes)])


def fetch_request(
    wants: Iterable[bytes],
    haves: Iterable[bytes] = (),
    *,
    done: bool = True,
    flags: Sequence[bytes] = (b"thin-pack", b"no-progress", b"ofs-delta"),
    object_format: bytes = b"sha1",
) -> bytes:
    """wants, haves: raw ids."""
    ids = [*(b"want " + _hex(oid) for oid in wants), *(b"have " + _hex(oid) for oid in haves)]
    ending = [b"done"] if done else []
    return command_request(b"fetch", [*flags, *ids, *ending], object_format=object_format)


# --- requests of receive-pack -----------------------------------------------------------------------------------------


def push_request(
    commands: Sequence[tuple[bytes, bytes, bytes]],
    pack: bytes = b"",
    *,
    capabilities: bytes = PUSH_CAPABILITIES,
    push_options: Sequence[bytes] | None = None,
    shallow: Iterable[bytes] = (),
) -> bytes:
    """commands: (old oid, new oid, ref), raw. push_options: None if the capability was not asked for."""
    texts = [b"%b %b %b" % (_hex(old), _hex(new), ref) for old, new, ref in commands]
    texts[0] += b"\0 " + capabilities + b" object-format=sha1 agent=" + AGENT
    packets: list[Packet] = [*(b"shallow " + _hex(oid) for oid in shallow), *texts, FLUSH]
    if push_options is not None:
        packets += [*push_options, FLUSH]
    return encode_many(packets) + pack


def certificate_text(
    commands: Sequence[tuple[bytes, bytes, bytes]],
    *,
    nonce: bytes | None = b"1-nonce",
    pushee: bytes | None = b"https://example.org/git/a.git",
    push_options: Sequence[bytes] = (),
) -> bytes:
    """What is signed of a push, as Git writes it."""
    said = [
        b"certificate version 0.1",
        b"pusher SHA256:key 1700000000 +0100",
        *([b"pushee " + pushee] if pushee is not None else []),
        *([b"nonce " + nonce] if nonce is not None else []),
        *(b"push-option " + option for option in push_options),
        b"",
        *(b"%b %b %b" % (_hex(old), _hex(new), ref) for old, new, ref in commands),
    ]
    return b"".join(line + b"\n" for line in said)


def signed_push_request(
    text: bytes,
    signature: bytes,
    pack: bytes = b"",
    *,
    capabilities: bytes = PUSH_CAPABILITIES,
    push_options: Sequence[bytes] = (),
    shallow: Iterable[bytes] = (),
) -> bytes:
    """A push whose commands stand in a certificate."""
    packets: list[Packet] = [*(b"shallow " + _hex(oid) for oid in shallow)]
    packets += [b"push-cert\0 " + capabilities + b" push-options object-format=sha1 agent=" + AGENT]
    packets += [*(text + signature).splitlines(keepends=True), b"push-cert-end\n", FLUSH, *push_options, FLUSH]
    return encode_many(packets) + pack


# --- answers ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class AdvertisedRefs:
    """An advertisement of version 0 or 1."""

    refs: dict[bytes, bytes]
    """Raw ids by name; empty for a repository without refs."""

    capabilities: list[bytes]


def parse_advertisement(body: bytes) -> AdvertisedRefs:
    """The answer to info/refs, its preamble included."""
    texts = [text for text in lines(decode(body)) if not text.startswith((b"# service=", b"version "))]
    first, _, capabilities = texts[0].partition(b"\0")
    refs = {name: bytes.fromhex(oid.decode()) for oid, name in (text.split(b" ", 1) for text in [first, *texts[1:]])}
    refs.pop(b"capabilities^{}", None)
    return AdvertisedRefs(refs, capabilities.split())


@dataclass(slots=True)
class FetchAnswer:
    """What a fetch brought."""

    acknowledged: list[bytes] = field(default_factory=list)
    is_nak: bool = False
    is_ready: bool = False
    shallow: list[bytes] = field(default_factory=list)
    unshallow: list[bytes] = field(default_factory=list)
    wanted_refs: dict[bytes, bytes] = field(default_factory=dict)
    """Raw ids by name."""

    packfile_uris: list[tuple[bytes, bytes]] = field(default_factory=list)
    """(raw checksum of a pack, where it lies)."""

    pack: bytes | None = None
    """None if there was no packfile section."""

    messages: bytes = b""
    error: bytes | None = None


def parse_fetch_answer(body: bytes, *, sideband_all: bool = False) -> FetchAnswer:
    """The whole body of an answer to the command fetch."""
    answer = FetchAnswer()
    decoder = PktLineDecoder(max_packets=_UNLIMITED, max_bytes=_UNLIMITED)
    at = 0
    section = b""
    while at < len(body):
        # One packet at a time, since what follows the header of the packfile section is in bands.
        length = max(int(body[at : at + 4], 16), 4)
        [packet] = decoder.feed(body[at : at + length])
        at += length
        line = _fetch_line(answer, packet, sideband_all=sideband_all)
        if line == b"packfile":
            _take_bands(answer, body[at:])
            return answer
        if line in _SECTIONS:
            section = line
        elif line is not None:
            _take_fetch_line(answer, section, line)
    return answer


_SECTIONS = (b"acknowledgments", b"shallow-info", b"wanted-refs", b"packfile-uris")


def _fetch_line(answer: FetchAnswer, packet: Packet, *, sideband_all: bool) -> bytes | None:
    """A line of a section, taken out of its band; None for what is none."""
    if not isinstance(packet, bytes):
        return None
    if not sideband_all:
        return packet.removesuffix(b"\n")
    band, data = packet[0], packet[1:]
    if band == _DATA_BAND:
        return data.removesuffix(b"\n")
    if band == _PROGRESS_BAND:
        answer.messages += data
    else:
        answer.error = data
    return None


def _take_fetch_line(answer: FetchAnswer, section: bytes, line: bytes) -> None:
    word, _, rest = line.partition(b" ")
    match section, word:
        case (_, b"ERR"):
            answer.error = rest
        case (b"acknowledgments", b"ACK"):
            answer.acknowledged.append(_raw(rest))
        case (b"acknowledgments", b"NAK"):
            answer.is_nak = True
        case (b"acknowledgments", b"ready"):
            answer.is_ready = True
        case (b"shallow-info", b"shallow"):
            answer.shallow.append(_raw(rest))
        case (b"shallow-info", b"unshallow"):
            answer.unshallow.append(_raw(rest))
        case (b"wanted-refs", _):
            answer.wanted_refs[rest] = _raw(word)
        case (b"packfile-uris", _):
            answer.packfile_uris.append((_raw(word), rest))
        case _:
            raise ValueError(f"no line of section {section!r}: {line!r}")


def _take_bands(answer: FetchAnswer, framed: bytes) -> None:
    pieces: dict[int, list[bytes]] = {1: [], 2: [], 3: []}
    for band, data in BandDecoder(max_packets=_UNLIMITED, max_bytes=_UNLIMITED).feed(framed):
        pieces[band].append(data)
    answer.pack = b"".join(pieces[1])
    answer.messages += b"".join(pieces[2])
    answer.error = b"".join(pieces[3]) or None


@dataclass(slots=True)
class PushReport:
    """How a push was answered."""

    unpack: bytes | None = None
    """`ok`, or what was wrong with the pack; None if there was no report."""

    refs: dict[bytes, bytes | None] = field(default_factory=dict)
    """None for a ref that moved, else the reason."""

    messages: bytes = b""
    error: bytes | None = None


def parse_push_report(body: bytes, *, side_band: bool = True) -> PushReport:
    """The whole body of an answer to a push."""
    report = PushReport()
    texts = lines(decode(body))
    if texts and texts[0].startswith(b"ERR "):
        report.error = texts[0].removeprefix(b"ERR ")
        return report
    if side_band:
        bands = FetchAnswer()
        _take_bands(bands, body)
        report.messages, report.error = bands.messages, bands.error
        texts = lines(decode(bands.pack or b""))
    for text in texts:
        _take_report_line(report, text)
    return report


def _take_report_line(report: PushReport, text: bytes) -> None:
    word, _, rest = text.partition(b" ")
    if word == b"unpack":
        report.unpack = rest
    elif word == b"ok":
        report.refs[rest] = None
    else:
        ref, _, reason = rest.partition(b" ")
        report.refs[ref] = reason


def _raw(oid: bytes) -> bytes:
    return bytes.fromhex(oid.decode())


def _hex(oid: bytes) -> bytes:
    return oid.hex().encode()


def _with_newlines(texts: Iterable[bytes]) -> list[bytes]:
    return [text + b"\n" for text in texts]
