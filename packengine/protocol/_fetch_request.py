"""The command fetch of version 2. Format: gitprotocol-v2(5), "fetch"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from packengine.pktline import Packet, take_oids
from packengine.protocol._boundary_lines import BoundaryLines
from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._filter_spec import FilterSpec, parse_filter_spec
from packengine.protocol._limits import WireLimits
from packengine.protocol._needs import Needs
from packengine.protocol._oids import parse_oid
from packengine.protocol._requests import Client, unexpected_line
from packengine.protocol._services import UploadPackOffer


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest(Needs):
    """The client wants a pack, or wants to know what it has in common with us."""

    want_refs: tuple[bytes, ...] = ()
    """Refs by their full names, whatever their values are by now."""

    wait_for_done: bool = False
    sideband_all: bool = False
    """Whether every line of the answer is to be in a band, not only the pack."""

    packfile_uris: tuple[bytes, ...] = ()
    """Protocols by which the client would fetch packs from elsewhere: `https`, `http`. None without `sideband_all`."""

    @property
    def may_get_ready(self) -> bool:
        """Whether the answer depends on all wants being reached from what is common: that is costly to find out."""
        return bool(self.haves) and not self.done and not self.wait_for_done


_ALWAYS = None

_FLAGS: dict[bytes, bytes | None] = {
    b"done": _ALWAYS,
    b"thin-pack": _ALWAYS,
    b"no-progress": _ALWAYS,
    b"include-tag": _ALWAYS,
    b"ofs-delta": _ALWAYS,
    b"wait-for-done": b"wait-for-done",
    b"deepen-relative": b"shallow",
    b"sideband-all": b"sideband-all",
}
"""Arguments without a value, each with the word of `fetch=` that must have been offered."""

_VALUED: dict[bytes, bytes | None] = {
    b"want": _ALWAYS,
    b"have": _ALWAYS,
    b"want-ref": b"ref-in-want",
    b"shallow": b"shallow",
    b"deepen": b"shallow",
    b"deepen-since": b"shallow",
    b"deepen-not": b"shallow",
    b"filter": b"filter",
    b"packfile-uris": b"packfile-uris",
}
"""The same for arguments with a value."""

_URI_PROTOCOLS = frozenset({b"http", b"https"})
"""What gitprotocol-v2(5) knows; other words are passed over, so that a line cannot make a list of thousands."""


class FetchArguments:
    """Collects the lines of a fetch."""

    MISSING_FLUSH: ClassVar[bytes] = b"expected flush after fetch arguments"

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        self._oid_bytes = offer.oid_bytes
        self._features = {_ALWAYS, *offer.fetch_features}
        self._limits = limits
        self._flags: set[bytes] = set()
        # Dicts are ordered sets here: clients may repeat themselves, and repetitions must cost nothing later.
        self._wants: dict[bytes, None] = {}
        self._haves: dict[bytes, None] = {}
        self._want_refs: dict[bytes, None] = {}
        self._boundary = BoundaryLines(offer.oid_bytes, limits)
        self._filter: FilterSpec | None = None
        self._uri_protocols: tuple[bytes, ...] | None = None

    def take(self, line: bytes) -> None:
        word, space, value = line.partition(b" ")
        if space and self._is_offered(_VALUED, word):
            self._take_valued(word, value, line)
        elif self._is_offered(_FLAGS, line):
            self._flags.add(line)
        else:
            raise unexpected_line(line)

    def take_oids(self, packets: list[Packet], at: int) -> int:
        """Take a run of wants or of haves, as far as the limits go. Returns where it ends."""
        at = take_oids(packets, at, b"want ", self._oid_bytes, self._wants, self._limits.max_wants)
        return take_oids(packets, at, b"have ", self._oid_bytes, self._haves, self._limits.max_haves)

    def _is_offered(self, arguments: Mapping[bytes, bytes | None], word: bytes) -> bool:
        return word in arguments and arguments[word] in self._features

    def _take_valued(self, word: bytes, value: bytes, line: bytes) -> None:
        match word:
            case b"want":
                self._take_id(word, value, self._wants, self._limits.max_wants)
            case b"have":
                self._take_id(word, value, self._haves, self._limits.max_haves)
            case b"want-ref":
                self._take_want_ref(value)
            case b"filter":
                self._take_filter(value)
            case b"packfile-uris":
                self._take_uri_protocols(value)
            case _:
                self._boundary.take(line)

    def _take_id(self, word: bytes, text: bytes, ids: dict[bytes, None], limit: int) -> None:
        oid = parse_oid(text, self._oid_bytes)
        if oid is None:
            line = shown(word + b" " + text)
            raise RemoteProtocolError(b"upload-pack: protocol error, expected to get oid, not '%b'" % line)
        ids[oid] = None
        if len(ids) > limit:
            raise _too_many(word, limit)

    def _take_want_ref(self, name: bytes) -> None:
        """Whether there is such a ref is found out later; what is no full name cannot be one."""
        if name != b"HEAD" and not name.startswith(b"refs/"):
            raise RemoteProtocolError(b"unknown ref %b" % shown(name))
        if name in self._want_refs:
            raise RemoteProtocolError(b"duplicate want-ref %b" % shown(name))
        self._want_refs[name] = None
        if len(self._want_refs) > self._limits.max_wants:
            raise _too_many(b"want-ref", self._limits.max_wants)

    def _take_filter(self, text: bytes) -> None:
        if self._filter is not None:
            raise RemoteProtocolError("multiple filter-specs cannot be combined")
        self._filter = parse_filter_spec(text, self._limits)

    def _take_uri_protocols(self, text: bytes) -> None:
        if self._uri_protocols is not None:
            raise RemoteProtocolError("multiple packfile-uris lines forbidden")
        self._uri_protocols = tuple(word for word in dict.fromkeys(text.split(b",")) if word in _URI_PROTOCOLS)

    def request(self, client: Client) -> FetchRequest:
        sideband_all = b"sideband-all" in self._flags
        return FetchRequest(
            client=client,
            wants=tuple(self._wants),
            want_refs=tuple(self._want_refs),
            haves=tuple(self._haves),
            done=b"done" in self._flags,
            shallow=self._boundary.shallow,
            deepen=self._boundary.deepen(relative=b"deepen-relative" in self._flags),
            filter=self._filter,
            thin_pack=b"thin-pack" in self._flags,
            no_progress=b"no-progress" in self._flags,
            include_tag=b"include-tag" in self._flags,
            ofs_delta=b"ofs-delta" in self._flags,
            wait_for_done=b"wait-for-done" in self._flags,
            sideband_all=sideband_all,
            packfile_uris=(self._uri_protocols or ()) if sideband_all else (),
        )


def _too_many(word: bytes, limit: int) -> RemoteProtocolError:
    return RemoteProtocolError(b"upload-pack: more than %d %b lines" % (limit, word))
