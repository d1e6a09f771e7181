"""The answer to info/refs: capabilities, and before version 2 the refs as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packengine.protocol import (
    ListedRef,
    ProtocolVersion,
    Service,
    advertise_receive_pack,
    advertise_upload_pack,
    advertise_v2,
    negotiate_version,
)
from packengine.refs import HiddenRefs, Peeling, RefEntry
from packengine.repository import RepositoryState
from server.git.chunks import send_chunks
from server.git.exchange import GitExchange
from server.git.listing import first_of, head_of
from server.git.native import WorkerThreads
from server.git.offers import Offers


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
        """Reads nothing before the first is asked for, in a thread."""
        if service is Service.RECEIVE_PACK:
            yield from self._for_pushing(state, version, session_id)
        else:
            yield from self._for_fetching(state, version, session_id)

    def _for_pushing(self, state: RepositoryState, version: ProtocolVersion, session_id: str) -> Iterator[bytes]:
        first = first_of(state, self._hidden)
        named = [(entry.name, entry.oid) for entry in first]
        listing = self._behind(state, first, Peeling.UNTOLD)
        return advertise_receive_pack(self._offers.push(state, session_id), named, version, listing)

    def _for_fetching(self, state: RepositoryState, version: ProtocolVersion, session_id: str) -> Iterator[bytes]:
        head = list(head_of(state, self._hidden))
        has_value = any(oid is not None for _, oid, _, _ in head)
        first = [] if has_value else first_of(state, self._hidden)
        named: list[ListedRef] = [*head, *((entry.name, entry.oid, entry.peeled, None) for entry in first)]
        listing = self._behind(state, first, Peeling.OWN_LINE)
        return advertise_upload_pack(self._offers.fetch(state, session_id), named, version, listing)

    def _behind(self, state: RepositoryState, first: Sequence[RefEntry], peeling: Peeling) -> Iterator[bytes]:
        """All refs, or those behind the first if it is told by itself."""
        after = first[0].name if first else None
        return self._hidden.listing(state.manifest.refs, peeling, after=after)
