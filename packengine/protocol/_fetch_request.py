"""The command fetch of version 2. Format: gitprotocol-v2(5), "fetch"."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.protocol._errors import RemoteProtocolError, shown
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
    """Protocols by which the client would fetch packs from elsewhere: `https`, `http`."""

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
}
"""Arguments without a value, each with the word of `fetch=` that must have been offered."""


class FetchArguments:
    """Collects the lines of a fetch."""

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        self._offer = offer
        self._flags: set[bytes] = set()
        # Dicts are ordered sets here: clients may repeat themselves, and repetitions must cost nothing later.
        self._wants: dict[bytes, None] = {}
        self._haves: dict[bytes, None] = {}
        self._ids = {
            b"want": (self._wants, limits.max_wants),
            b"have": (self._haves, limits.max_haves),
        }

    def take(self, line: bytes) -> None:
        word, space, value = line.partition(b" ")
        if space and word in self._ids:
            self._take_id(word, value)
        elif self._is_offered_flag(line):
            self._flags.add(line)
        else:
            raise unexpected_line(line)

    def _take_id(self, word: bytes, text: bytes) -> None:
        ids, limit = self._ids[word]
        oid = parse_oid(text, self._offer.oid_bytes)
        if oid is None:
            line = shown(word + b" " + text)
            raise RemoteProtocolError(b"upload-pack: protocol error, expected to get oid, not '%b'" % line)
        ids[oid] = None
        if len(ids) > limit:
            raise RemoteProtocolError(b"upload-pack: more than %d %b lines" % (limit, word))

    def _is_offered_flag(self, line: bytes) -> bool:
        if line not in _FLAGS:
            return False
        feature = _FLAGS[line]
        return feature is _ALWAYS or feature in self._offer.fetch_features

    def request(self, client: Client) -> FetchRequest:
        return FetchRequest(
            client=client,
            wants=tuple(self._wants),
            haves=tuple(self._haves),
            done=b"done" in self._flags,
            thin_pack=b"thin-pack" in self._flags,
            no_progress=b"no-progress" in self._flags,
            include_tag=b"include-tag" in self._flags,
            ofs_delta=b"ofs-delta" in self._flags,
            wait_for_done=b"wait-for-done" in self._flags,
        )
