"""What a fetch is answered, of whichever version, before the first byte of its pack. Work for a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from core_ext import Cancel, PackStream
from packengine.protocol import (
    FetchRequest,
    FetchSections,
    LegacyFetchRequest,
    Needs,
    PackFrame,
    ShallowInfo,
    fetch_head,
    legacy_head,
    negotiate,
    negotiate_legacy,
)
from packengine.repository import Engine, Fetch, RepositoryState, Selection
from server.git.downloads import DownloadUrls
from server.git.pack_source import OpenPack

AnyFetchRequest: TypeAlias = FetchRequest | LegacyFetchRequest


@dataclass(frozen=True, slots=True)
class WantedPack:
    """What the pack holds is found out behind the head."""

    open: OpenPack
    key: bytes | None
    """None: it is not kept."""

    is_update: bool = False
    """Whether the client has something of it already, and so likely lacks little."""

    is_stored: bool = False
    """Whether it is a stored pack as it is: a copy of that would be no faster to send."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer up to the pack."""

    head: bytes
    pack: WantedPack | None
    """None: the head is the whole answer."""


class Decider:
    """Decides about fetches."""

    def __init__(self, engine: Engine, urls: DownloadUrls) -> None:
        self._engine = engine
        self._urls = urls
        self._has_cache = engine.answers is not None

    def decide(self, state: RepositoryState, request: AnyFetchRequest, base_url: str, cancel: Cancel) -> Decision:
        """All that has to be known before the pack. Raises what the engine raises."""
        if isinstance(request, FetchRequest):
            return self._decide_v2(state, request, base_url, cancel)
        return self._decide_legacy(state, request, cancel)

    def _decide_v2(self, state: RepositoryState, request: FetchRequest, base_url: str, cancel: Cancel) -> Decision:
        fetch = self._engine.fetches.begin(state, request, want_refs=request.want_refs, cancel=cancel)
        common = fetch.common(request.haves)
        reached = request.may_get_ready and fetch.all_reached(common, cancel)
        negotiated = negotiate(request, common, all_reached=reached)
        if not negotiated.sends_pack:
            return Decision(fetch_head(request, negotiated, FetchSections()), None)
        uris: Sequence[tuple[bytes, bytes]] = ()
        pack = self._pack(fetch, request, common, cancel)
        if not common and fetch.is_whole(cancel) and base_url.partition(":")[0].encode() in request.packfile_uris:
            uris, pack = self._packs_elsewhere(fetch, state, request, base_url, cancel)
        sections = FetchSections(
            shallow_info=_shallow_info(fetch, request, cancel), wanted_refs=fetch.wanted_refs, packfile_uris=uris
        )
        return Decision(fetch_head(request, negotiated, sections), pack)

    def _packs_elsewhere(
        self, fetch: Fetch, state: RepositoryState, request: FetchRequest, base_url: str, cancel: Cancel
    ) -> tuple[Sequence[tuple[bytes, bytes]], WantedPack]:
        """(checksum, URI) of each pack that the client may get elsewhere, and what it gets here all the same."""
        packs, rest = self._engine.bundles.split(state, fetch.objects, fetch.select((), cancel).objects)
        uris = [(pack.checksum, self._urls.pack_url(state, pack, base_url).encode()) for pack in packs]
        key = self._key(fetch, request, (), cancel, [pack.digest for pack in packs])
        return uris, WantedPack(partial(fetch.open_pack, Selection(rest, None)), key)

    def _decide_legacy(self, state: RepositoryState, request: LegacyFetchRequest, cancel: Cancel) -> Decision:
        fetch = self._engine.fetches.begin(state, request, cancel=cancel)
        shallow_info = _shallow_info(fetch, request, cancel)  # in any case: a wrong line is to be told of, not cut off
        common = fetch.common(request.haves)
        reached_at = None
        if request.may_get_ready:
            # Where exactly it was reached shows only in the answers to haves that are unknown here.
            reached_at = fetch.reached_at(common, cancel, least=len(common) < len(request.haves))
        negotiated = negotiate_legacy(request, common, reached_at)
        head = legacy_head(request, shallow_info, negotiated)
        return Decision(head, self._pack(fetch, request, common, cancel) if negotiated.sends_pack else None)

    def _pack(self, fetch: Fetch, request: AnyFetchRequest, common: Sequence[bytes], cancel: Cancel) -> WantedPack:
        def open_pack(cancel: Cancel) -> PackStream:
            return fetch.open_pack(fetch.select(common, cancel), cancel, is_update=bool(common))

        if fetch.is_stored_pack(common, cancel):
            return WantedPack(open_pack, None, is_stored=True)
        return WantedPack(open_pack, self._key(fetch, request, common, cancel), is_update=bool(common))

    def _key(
        self,
        fetch: Fetch,
        request: AnyFetchRequest,
        common: Sequence[bytes],
        cancel: Cancel,
        elsewhere: Sequence[bytes] = (),
    ) -> bytes | None:
        if not self._has_cache:
            return None
        band_bytes = PackFrame.of(request).bands.value
        return fetch.question(common, cancel, band_bytes=band_bytes, elsewhere=elsewhere).key()


def _shallow_info(fetch: Fetch, needs: Needs, cancel: Cancel) -> ShallowInfo | None:
    boundary = fetch.boundary(cancel)
    if not needs.deepen.is_asked and not boundary.cut:
        return None
    return ShallowInfo(shallow=boundary.shallow, unshallow=boundary.unshallow)
