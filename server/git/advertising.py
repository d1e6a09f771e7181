"""The answer to info/refs: capabilities, and before version 2 the refs as well."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

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
        """The whole answer."""
        chunks = self._chunks(service, state, negotiate_version(exchange.header(b"git-protocol")), session_id)
        await exchange.start(200, service.advertisement_type)
        while (chunk := await self._lookups.run(partial(next, chunks, None))) is not None:
            await exchange.write(chunk)
        await exchange.end()

    def _chunks(
        self, service: Service, state: RepositoryState, version: ProtocolVersion, session_id: str
    ) -> Iterator[bytes]:
        if service is Service.RECEIVE_PACK:
            refs = ((entry.name, entry.oid) for entry in self._hidden.shown(state.manifest.refs))
            return advertise_receive_pack(self._offers.push(state, session_id), refs, version)
        offer = self._offers.fetch(state, session_id)
        if version is ProtocolVersion.V2:
            return iter([advertise_v2(offer)])
        return advertise_upload_pack(offer, listed_refs(state, _EVERY_REF, self._hidden), version)
