"""The refs of an answer: the first of them one by one, the others as pkt-lines, straight out of the ref table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from packengine.protocol import ListedRef
from packengine.refs import HiddenRefs, Peeling, RefEntry
from packengine.refs.seeker import RefSeeker
from packengine.repository import RepositoryState


def head_of(state: RepositoryState, hidden: HiddenRefs) -> Iterator[ListedRef]:
    """HEAD, born or not, unless the operator hides it."""
    if not hidden.hides(b"HEAD"):
        head = state.head_entry()
        values = (None, None) if head is None else (head.oid, head.peeled)
        yield (b"HEAD", *values, state.manifest.head)


def first_of(state: RepositoryState, hidden: HiddenRefs) -> list[RefEntry]:
    """The first ref that is shown, if there is one: what heads a list needs it by itself."""
    return list(islice(hidden.shown(state.manifest.refs), 1))


def listing_within(
    state: RepositoryState, prefixes: Sequence[bytes], hidden: HiddenRefs, peeling: Peeling
) -> Iterator[bytes]:
    """The refs that start with one of the prefixes, none of which is inside another; what is hidden is left out."""
    seeker = RefSeeker(state.manifest.refs)  # most of thousands of prefixes may lead nowhere
    for prefix in prefixes:
        if (seeker.first_from(prefix) or b"").startswith(prefix):
            yield from hidden.listing(state.manifest.refs, peeling, prefix)
