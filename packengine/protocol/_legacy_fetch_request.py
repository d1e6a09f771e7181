"""A fetch before version 2: wants, a flush, haves. Format: gitprotocol-pack(5), "Packfile Negotiation"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from packengine.protocol._needs import Needs


class AckMode(Enum):
    """How common commits are acknowledged."""

    SINGLE = auto()
    MULTI = auto()
    MULTI_DETAILED = auto()


class PackBands(Enum):
    """How the pack is framed, by the largest packet in bytes; 0: not at all."""

    NONE = 0
    SMALL = 1_000
    LARGE = 65_520


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyFetchRequest(Needs):
    """One POST of version 0 or 1: all wants again, then what was found common, and further haves."""

    ack_mode: AckMode = AckMode.SINGLE
    no_done: bool = False
    """Whether the pack may follow `ready` without the client's `done`."""

    bands: PackBands = PackBands.NONE
    negotiates: bool = False
    """Whether anything came behind the wants: without it only the new boundary is to be told."""

    @property
    def may_get_ready(self) -> bool:
        """Whether the answer depends on all wants being reached from what is common: that is costly to find out."""
        return bool(self.haves) and self.ack_mode is not AckMode.SINGLE
