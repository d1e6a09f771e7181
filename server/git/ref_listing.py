"""Answering ls-refs. What is said follows from the manifest and the question, so the latest answers are remembered:
most clients ask for the same few names of a repository that has not changed.
"""

from __future__ import annotations

from typing import TypeAlias

from cachetools import LRUCache

from packengine.protocol import LsRefsRequest, Service, ls_refs_answer
from packengine.refs import HiddenRefs
from packengine.repository import RepositoryState
from server.git.chunks import send_chunks
from server.git.exchange import GitExchange
from server.git.listing import head_of, listing_within
from server.git.native import WorkerThreads

_KEPT_BYTES = 4 * 1024 * 1024
_KEPT_PREFIX_BYTES = 1024
"""A longer question is a question of its own."""

_BESIDE_BYTES = 400
"""What an answer takes beside its own bytes and those of the prefixes, about."""

_CONTENT_TYPE = Service.UPLOAD_PACK.result_type

_Question: TypeAlias = tuple[bytes, bool, bool, bool, tuple[bytes, ...]]


class RefListing:
    """Lists refs. On the event loop only."""

    def __init__(self, hidden: HiddenRefs, lookups: WorkerThreads) -> None:
        self._hidden = hidden
        self._lookups = lookups
        self._known: LRUCache[_Question, bytes] = LRUCache(_KEPT_BYTES, getsizeof=_taken_bytes)

    def recall(self, state: RepositoryState, request: LsRefsRequest) -> bytes | None:
        """The answer, if it is known."""
        return self._known.get(_question(state, request))

    async def send(self, exchange: GitExchange, state: RepositoryState, request: LsRefsRequest) -> None:
        """Find the answer and send it. What takes one piece is remembered."""
        listing = listing_within(state, request.ranges(), self._hidden, request.peeling)
        chunks = ls_refs_answer(request, head_of(state, self._hidden), listing)
        whole = await send_chunks(exchange, self._lookups, _CONTENT_TYPE, chunks)
        if whole is not None and sum(map(len, request.ref_prefixes)) <= _KEPT_PREFIX_BYTES:
            self._known[_question(state, request)] = whole


def _question(state: RepositoryState, request: LsRefsRequest) -> _Question:
    return state.pointer.manifest, request.peel, request.symrefs, request.unborn, request.ref_prefixes


def _taken_bytes(answer: bytes) -> int:
    return len(answer) + _KEPT_PREFIX_BYTES + _BESIDE_BYTES
