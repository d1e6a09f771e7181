"""The lines about a shallow client's boundary, alike in every version. Format: gitprotocol-pack(5), "shallow-line"."""

from __future__ import annotations

from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._limits import WireLimits
from packengine.protocol._needs import INFINITE_DEPTH, Deepen
from packengine.protocol._numbers import MAX_NUMBER, parse_number
from packengine.protocol._oids import parse_oid


class BoundaryLines:
    """Collects `shallow`, `deepen`, `deepen-since` and `deepen-not`. Of a number that comes twice the last counts."""

    def __init__(self, oid_bytes: int, limits: WireLimits) -> None:
        self._oid_bytes = oid_bytes
        self._limits = limits
        self._shallow: dict[bytes, None] = {}
        self._excluded_refs: dict[bytes, None] = {}
        self._depth: int | None = None
        self._since_s: int | None = None

    def take(self, line: bytes) -> bool:
        """Whether the line was one of these. Raises RemoteProtocolError if it was, and is wrong."""
        word, _, value = line.partition(b" ")
        match word:
            case b"shallow":
                self._take_shallow(value, line)
            case b"deepen":
                self._depth = _number(line, value, least=1, most=INFINITE_DEPTH)
            case b"deepen-since":
                # As Git, to whose walk the largest number is no time but the lack of one.
                self._since_s = _number(line, value, least=0, most=MAX_NUMBER - 1)
            case b"deepen-not":
                self._take_excluded_ref(value)
            case _:
                return False
        return True

    @property
    def shallow(self) -> tuple[bytes, ...]:
        """The client's boundary: raw ids, each once."""
        return tuple(self._shallow)

    def deepen(self, *, relative: bool) -> Deepen:
        """The boundary that the client asks for. Raises RemoteProtocolError if it asks for two at once."""
        if self._depth is not None and (self._since_s is not None or self._excluded_refs):
            raise RemoteProtocolError(
                "git upload-pack: deepen and deepen-since (or deepen-not) cannot be used together"
            )
        return Deepen(self._depth, relative, self._since_s, tuple(self._excluded_refs))

    def _take_shallow(self, text: bytes, line: bytes) -> None:
        oid = parse_oid(text, self._oid_bytes)
        if oid is None:
            raise RemoteProtocolError(b"invalid shallow line: " + shown(line))
        self._shallow[oid] = None
        if len(self._shallow) > self._limits.max_shallows:
            raise RemoteProtocolError(f"upload-pack: more than {self._limits.max_shallows} shallow lines")

    def _take_excluded_ref(self, ref: bytes) -> None:
        self._excluded_refs[ref] = None
        if len(self._excluded_refs) > self._limits.max_excluded_refs:
            raise RemoteProtocolError(f"upload-pack: more than {self._limits.max_excluded_refs} deepen-not lines")


def _number(line: bytes, text: bytes, *, least: int, most: int) -> int:
    """Raises RemoteProtocolError with Git's sentence for a number that is none, or out of bounds."""
    number = parse_number(text)
    if number is None or not least <= number <= most:
        raise RemoteProtocolError(b"Invalid %b: %b" % (line.partition(b" ")[0], shown(line)))
    return number
