"""The codecs beside dulwich's: Git has no command that runs its own alone."""

from __future__ import annotations

import io
import random
from itertools import pairwise

import dulwich.pack
import dulwich.protocol

from benchmarks.support.versus import Versus
from core_ext import apply_delta, encode_delta
from packengine.pktline import FLUSH, PktLineDecoder, encode_many
from packengine.sideband import encode_band
from tests.support.stdlib import text_files

LINES = [b"want %040x\n" % number for number in range(20_000)]


def test_pktline_decode(versus: Versus) -> None:
    """20,000 wants."""
    stream = encode_many([*LINES, FLUSH])

    def ours() -> int:
        return len(PktLineDecoder(max_packets=1 << 20, max_bytes=1 << 30).feed(stream))

    def rival() -> int:
        return len(list(dulwich.protocol.Protocol(io.BytesIO(stream).read, len).read_pkt_seq()))

    assert ours() == rival() + 1  # our flush is a packet, dulwich's an end
    versus(ours, {"dulwich": rival}, rounds=15)


def test_pktline_encode(versus: Versus) -> None:
    """20,000 wants."""
    assert encode_many(LINES) == b"".join(map(dulwich.protocol.pkt_line, LINES))
    rival = {"dulwich": lambda: b"".join(map(dulwich.protocol.pkt_line, LINES))}
    versus(lambda: encode_many(LINES), rival, rounds=15)


def test_sideband_framing(versus: Versus) -> None:
    """16 MiB of pack into side-band packets; the rival is a bare copy of the same bytes."""
    data = random.Random(1).randbytes(16 << 20)
    view = memoryview(data)

    def frame() -> int:
        return sum(len(encode_band(1, view[at : at + (1 << 20)])) for at in range(0, len(data), 1 << 20))

    def copy() -> int:
        return sum(len(bytes(view[at : at + (1 << 20)])) for at in range(0, len(data), 1 << 20))

    versus(frame, {"a bare copy": copy}, rounds=15)


def test_delta_application(versus: Versus) -> None:
    """Real sources, each made from the one before by a delta of ours."""
    contents = [content for _, content in text_files()[:400]]
    pairs = [(base, target) for base, target in pairwise(contents)]
    work = [
        (base, delta, target)
        for base, target in pairs
        if (delta := encode_delta(base, target, max_delta_bytes=1 << 30))
    ]

    def ours() -> int:
        return sum(len(apply_delta(base, delta, max_result_bytes=1 << 30)) for base, delta, _ in work)

    def rival() -> int:
        return sum(sum(map(len, dulwich.pack.apply_delta(base, delta))) for base, delta, _ in work)

    assert ours() == rival() == sum(len(target) for _, _, target in work)
    versus(ours, {"dulwich": rival}, rounds=15)
