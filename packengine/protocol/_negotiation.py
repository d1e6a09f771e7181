"""What to answer to a fetch of version 2: acknowledgements, a pack, or both.

Over HTTP each round is a request of its own that repeats what was found common before, so nothing is remembered: a
decision follows from one request and from what the caller found out about its ids. A pack that comes before `done` or
`ready` breaks the client's negotiation; one that follows `ready` saves it a round. Format: gitprotocol-v2(5), "fetch".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from packengine.protocol._errors import LocalProtocolError
from packengine.protocol._fetch_request import FetchRequest
from packengine.protocol._oids import hex_oid


class Outcome(Enum):
    """What the answer to a fetch consists of."""

    NOTHING = auto()
    """An empty answer: nothing was wanted."""

    ACKNOWLEDGMENTS = auto()
    """Only acknowledgments: the client goes on negotiating."""

    ACKNOWLEDGMENTS_AND_PACK = auto()
    """Acknowledgments that end with `ready`, and the pack at once."""

    PACK = auto()


@dataclass(frozen=True, slots=True)
class Negotiated:
    """A decision, with what the acknowledgments name."""

    outcome: Outcome
    common: tuple[bytes, ...] = ()

    @property
    def sends_pack(self) -> bool:
        """Whether a packfile section follows."""
        return self.outcome in (Outcome.PACK, Outcome.ACKNOWLEDGMENTS_AND_PACK)


def negotiate(request: FetchRequest, common: Sequence[bytes], *, all_reached: bool) -> Negotiated:
    """Decide.

    common: those of the request's haves that we have. all_reached: whether each want has a common commit among its
    ancestors, so that more haves would bring nothing; looked at only if `request.may_get_ready`, and without a common
    have it counts for nothing. Raises LocalProtocolError if `common` names what the client did not.
    """
    if not request.wants and not request.want_refs and not request.wait_for_done:
        return Negotiated(Outcome.NOTHING)
    if request.done or not request.haves:
        return Negotiated(Outcome.PACK)
    return _acknowledge(request, tuple(common), ready=request.may_get_ready and bool(common) and all_reached)


def _acknowledge(request: FetchRequest, common: tuple[bytes, ...], *, ready: bool) -> Negotiated:
    strangers = set(common).difference(request.haves)
    if strangers:
        raise LocalProtocolError(f"{strangers.pop().hex()} is acknowledged, but the client did not name it")
    return Negotiated(Outcome.ACKNOWLEDGMENTS_AND_PACK if ready else Outcome.ACKNOWLEDGMENTS, common)


def acknowledgment_lines(negotiated: Negotiated) -> list[bytes]:
    """The acknowledgments section, without what ends it; nothing if there is none."""
    if negotiated.outcome not in (Outcome.ACKNOWLEDGMENTS, Outcome.ACKNOWLEDGMENTS_AND_PACK):
        return []
    acks = [b"ACK %b\n" % hex_oid(oid) for oid in negotiated.common] or [b"NAK\n"]
    ready = [b"ready\n"] if negotiated.sends_pack else []
    return [b"acknowledgments\n", *acks, *ready]
