"""What a client needs of us, in whichever version it asks. Format: gitprotocol-pack(5), "Packfile Negotiation"."""

from __future__ import annotations

from dataclasses import dataclass, field

from packengine.protocol._filter_spec import FilterSpec
from packengine.protocol._requests import Client

INFINITE_DEPTH = 0x7FFFFFFF
"""What `git fetch --unshallow` sends as depth."""


@dataclass(frozen=True, slots=True)
class Deepen:
    """Where the client wants its history to end. By depth, or by time and exclusions, never both."""

    depth: int | None = None
    """So many commits from each want, itself counted; from the client's boundary if `relative`."""

    relative: bool = False
    since_s: int | None = None
    """Commits older than this, in seconds since 1970, are left out."""

    excluded_refs: tuple[bytes, ...] = ()
    """Refs, as the user typed them, whose history is left out."""

    @property
    def is_asked(self) -> bool:
        """Whether the boundary is to be computed anew; else the client's own counts."""
        return self.depth is not None or self.since_s is not None or bool(self.excluded_refs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a fetch asks for. Raw ids, each once, in the order they came."""

    client: Client
    wants: tuple[bytes, ...] = ()
    haves: tuple[bytes, ...] = ()
    done: bool = False
    shallow: tuple[bytes, ...] = ()
    """The boundary of a shallow client: commits whose parents it does not have."""

    deepen: Deepen = field(default_factory=Deepen)
    filter: FilterSpec | None = None
    thin_pack: bool = False
    no_progress: bool = False
    include_tag: bool = False
    ofs_delta: bool = False
