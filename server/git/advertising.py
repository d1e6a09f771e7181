"""The answer to info/refs: capabilities, and before version 2 the refs as well."""

from __future__ import annotations

from collections.abc import Iterator

from packengine.protocol import (
    ProtocolVersion,
    Service,
    advertise_receive_pack,
    advertise_upload_pack,
    advertise_v2,
    negotiate_version,
)
from packengine.refs import HiddenRefs
from packengine.repository import RepositoryState
from server.git.chunks import send_chunks
from server.git.exchange import GitExchange
from server.git.native import WorkerThreads
from server.git.offers import Offers
from server.git.upload_pack import listed_refs

_EVERY_REF = (b"",)


class Advertising:
    """Tells clients what there is. Refs are read as they are sent, so that no list of them is ever in memory."""

    def __init__(self, offers: Offers, lookups: WorkerThreads, hidden: HiddenRefs) -> None:
        self._offers = offers
        self._lookups = lookups
        self._hidden = hidden

    async def advertise(self, exchange: GitExchange, service: Service, state: RepositoryState, session_id: str) -> None:
        """The whole answer. That of version 2 says nothing of refs, and is there at once."""
        version = negotiate_version(exchange.header(b"git-protocol"))
        if service is Service.UPLOAD_PACK and version is ProtocolVersion.V2:
            answer = advertise_v2(self._offers.fetch(state, session_id))
            await exchange.answer(200, answer, (b"content-type", service.advertisement_type.encode()))
            return
        chunks = self._chunks(service, state, version, session_id)
        await send_chunks(exchange, self._lookups, service.advertisement_type, chunks)

    def _chunks(
        self, service: Service, state: RepositoryState, version: ProtocolVersion, session_id: str
    ) -> Iterator[bytes]:
        if service is Service.RECEIVE_PACK:
            refs = ((entry.name, entry.oid) for entry in self._hidden.shown(state.manifest.refs))
            return advertise_receive_pack(self._offers.push(state, session_id), refs, version)
        offer = self._offers.fetch(state, session_id)
        return advertise_upload_pack(offer, listed_refs(state, _EVERY_REF, self._hidden), version)
