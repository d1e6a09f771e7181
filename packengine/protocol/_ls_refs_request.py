"""The command ls-refs of version 2. Format: gitprotocol-v2(5), "ls-refs"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from packengine.protocol._limits import WireLimits
from packengine.protocol._requests import Client, unexpected_line
from packengine.protocol._services import UploadPackOffer
from packengine.refs.listing import Peeling


@dataclass(frozen=True, slots=True)
class LsRefsRequest:
    """The client wants to know refs. No prefix selects every ref."""

    client: Client
    peel: bool
    symrefs: bool
    unborn: bool
    ref_prefixes: tuple[bytes, ...]

    @property
    def peeling(self) -> Peeling:
        """How a listing tells what annotated tags peel to."""
        return Peeling.IN_LINE if self.peel else Peeling.UNTOLD

    def ranges(self) -> list[bytes]:
        """The prefixes to scan, in order, none inside another: each ref is met once. An empty one means all refs."""
        disjoint: list[bytes] = []
        for prefix in sorted(self.ref_prefixes) or [b""]:
            if not disjoint or not prefix.startswith(disjoint[-1]):
                disjoint.append(prefix)
        return disjoint


class LsRefsArguments:
    """Collects the lines of an ls-refs."""

    MISSING_FLUSH: ClassVar[bytes] = b"expected flush after ls-refs arguments"

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        del offer  # everything that ls-refs knows is offered
        self._max_ref_prefixes = limits.max_ref_prefixes
        self._flags: set[bytes] = set()
        self._ref_prefixes: list[bytes] | None = []

    def take(self, line: bytes) -> None:
        if line in (b"peel", b"symrefs", b"unborn"):
            self._flags.add(line)
        elif line.startswith(b"ref-prefix "):
            self._take_prefix(line.removeprefix(b"ref-prefix "))
        else:
            raise unexpected_line(line)

    def _take_prefix(self, prefix: bytes) -> None:
        """Too many prefixes are none: they may narrow the list only while we know all of them."""
        if self._ref_prefixes is None:
            return
        self._ref_prefixes.append(prefix)
        if len(self._ref_prefixes) > self._max_ref_prefixes:
            self._ref_prefixes = None

    def request(self, client: Client) -> LsRefsRequest:
        return LsRefsRequest(
            client=client,
            peel=b"peel" in self._flags,
            symrefs=b"symrefs" in self._flags,
            unborn=b"unborn" in self._flags,
            ref_prefixes=tuple(self._ref_prefixes or ()),
        )
