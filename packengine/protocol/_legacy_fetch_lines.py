"""The lines of a fetch before version 2. Format: gitprotocol-pack(5), gitprotocol-capabilities(5)."""

from __future__ import annotations

from collections.abc import Mapping

from packengine.pktline import Packet, take_oids
from packengine.protocol._boundary_lines import BoundaryLines
from packengine.protocol._capabilities import parse_capabilities
from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._filter_spec import FilterSpec, parse_filter_spec
from packengine.protocol._legacy_fetch_request import AckMode, LegacyFetchRequest, PackBands
from packengine.protocol._limits import WireLimits
from packengine.protocol._oids import parse_oid
from packengine.protocol._requests import Client
from packengine.protocol._services import UploadPackOffer

_WORDS = frozenset(
    (
        *(b"multi_ack", b"multi_ack_detailed", b"no-done", b"side-band", b"side-band-64k", b"thin-pack", b"ofs-delta"),
        *(b"no-progress", b"include-tag", b"deepen-relative", b"filter", b"object-format", b"agent", b"session-id"),
    )
)
"""Capabilities that have an effect here; the others are not kept, so that memory is bounded."""


class LegacyFetchLines:
    """Collects the lines of a fetch: what is needed, and behind the first flush what the client has."""

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        self._offer = offer
        self._limits = limits
        self._words: dict[bytes, bytes | None] = {}
        # Dicts are ordered sets here: clients may repeat themselves, and repetitions must cost nothing later.
        self._wants: dict[bytes, None] = {}
        self._haves: dict[bytes, None] = {}
        self._boundary = BoundaryLines(offer.oid_bytes, limits)
        self._filter: FilterSpec | None = None

    @property
    def has_wants(self) -> bool:
        """Whether there is anything to answer."""
        return bool(self._wants)

    def take_wants(self, packets: list[Packet], at: int) -> int:
        """Take a run of wants without words behind them, as far as the limit goes. Returns where it ends."""
        return take_oids(packets, at, b"want ", self._offer.oid_bytes, self._wants, self._limits.max_wants)

    def take_haves(self, packets: list[Packet], at: int) -> int:
        """The same of haves."""
        return take_oids(packets, at, b"have ", self._offer.oid_bytes, self._haves, self._limits.max_haves)

    def take_need(self, line: bytes) -> None:
        """A line in front of the first flush. Raises RemoteProtocolError."""
        word, _, value = line.partition(b" ")
        if word == b"want":
            self._take_want(value, line)
        elif word == b"filter":
            self._take_filter(value)
        elif b"shallow" not in self._offer.fetch_features or not self._boundary.take(line):
            raise _no_want(line)

    def take_have(self, line: bytes) -> None:
        """A line behind it. Raises RemoteProtocolError."""
        word, _, text = line.partition(b" ")
        if word != b"have":
            raise RemoteProtocolError(b"git upload-pack: expected SHA1 list, got '%b'" % shown(line))
        oid = parse_oid(text, self._offer.oid_bytes)
        if oid is None:
            raise RemoteProtocolError(b"git upload-pack: expected SHA1 object, got '%b'" % shown(text))
        self._haves[oid] = None
        _check_count(self._haves, b"have", self._limits.max_haves)

    def request(self, *, negotiates: bool, done: bool) -> LegacyFetchRequest:
        """What all lines together ask for. Raises RemoteProtocolError if they contradict one another."""
        words = self._words
        return LegacyFetchRequest(
            client=Client.of(words, self._offer),
            wants=tuple(self._wants),
            haves=tuple(self._haves),
            done=done,
            shallow=self._boundary.shallow,
            deepen=self._boundary.deepen(relative=b"deepen-relative" in words),
            filter=self._filter,
            thin_pack=b"thin-pack" in words,
            no_progress=b"no-progress" in words,
            include_tag=b"include-tag" in words,
            ofs_delta=b"ofs-delta" in words,
            ack_mode=_ack_mode(words),
            no_done=b"no-done" in words,
            bands=_bands(words),
            negotiates=negotiates,
        )

    def _take_want(self, value: bytes, line: bytes) -> None:
        """As Git, take capabilities from any want, though all clients send them with the first."""
        text, _, words = value.partition(b" ")
        oid = parse_oid(text, self._offer.oid_bytes)
        if oid is None:
            raise _no_want(line)
        if words:
            self._take_words(words)
        self._wants[oid] = None
        _check_count(self._wants, b"want", self._limits.max_wants)

    def _take_words(self, text: bytes) -> None:
        words = parse_capabilities(text, max_bytes=self._limits.max_capability_bytes)
        for word in _WORDS.intersection(words):
            self._words.setdefault(word, words[word])
        # No client before version 2 says its format unless it knows of others; the length of its ids does.
        ours = self._offer.object_format.encode()
        theirs = self._words.get(b"object-format", ours) or b""
        if theirs != ours:
            raise RemoteProtocolError(b"mismatched object format: server %b; client %b" % (ours, shown(theirs)))

    def _take_filter(self, text: bytes) -> None:
        if b"filter" not in self._offer.fetch_features or b"filter" not in self._words:
            raise RemoteProtocolError("git upload-pack: filtering capability not negotiated")
        if self._filter is not None:
            raise RemoteProtocolError("multiple filter-specs cannot be combined")
        self._filter = parse_filter_spec(text, self._limits)


def _ack_mode(words: Mapping[bytes, bytes | None]) -> AckMode:
    if b"multi_ack_detailed" in words:
        return AckMode.MULTI_DETAILED
    return AckMode.MULTI if b"multi_ack" in words else AckMode.SINGLE


def _bands(words: Mapping[bytes, bytes | None]) -> PackBands:
    if b"side-band-64k" in words:
        return PackBands.LARGE
    return PackBands.SMALL if b"side-band" in words else PackBands.NONE


def _no_want(line: bytes) -> RemoteProtocolError:
    sentence = b"git upload-pack: protocol error, expected to get object ID, not '%b'"
    return RemoteProtocolError(sentence % shown(line))


def _check_count(ids: Mapping[bytes, None], word: bytes, limit: int) -> None:
    if len(ids) > limit:
        raise RemoteProtocolError(b"upload-pack: more than %d %b lines" % (limit, word))
