"""How a push is answered, and that success cannot be claimed without a commit (design, law 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import packengine
import server
from packengine.protocol import (
    LocalProtocolError,
    PushCapabilities,
    committed_report,
    push_error,
    push_message,
    rejected_report,
)
from tests.support import wire_client

MAIN, TOPIC = b"refs/heads/main", b"refs/heads/topic"
BANDS = PushCapabilities(report_status=True, side_band_64k=True)
PLAIN = PushCapabilities(report_status=True)


@dataclass(frozen=True)
class Durable:
    pointer: object = 7


def test_committed_push_is_reported_ref_by_ref_inside_band_1() -> None:
    body = b"".join(committed_report(Durable(), [(MAIN, None), (TOPIC, "funny refname")], BANDS))
    inner = b"000eunpack ok\n0017ok refs/heads/main\n0026ng refs/heads/topic funny refname\n0000"
    assert body == b"%04x\x01" % (len(inner) + 5) + inner + b"0000"


def test_report_without_bands_is_bare_pkt_lines() -> None:
    body = b"".join(committed_report(Durable(), [(MAIN, None)], PLAIN))
    assert body == b"000eunpack ok\n0017ok refs/heads/main\n0000"


def test_client_that_wants_no_report_gets_none() -> None:
    assert b"".join(committed_report(Durable(), [(MAIN, None)], PushCapabilities())) == b""
    assert b"".join(committed_report(Durable(), [(MAIN, None)], PushCapabilities(side_band_64k=True))) == b"0000"


@pytest.mark.parametrize("committed", [None, Durable(pointer=None), object()])
def test_success_cannot_be_reported_without_a_committed_result(committed: Durable) -> None:
    with pytest.raises(LocalProtocolError, match="before it is committed"):
        committed_report(committed, [(MAIN, None)], BANDS)


def test_damaged_pack_is_told_with_every_ref() -> None:
    body = b"".join(rejected_report("index-pack abnormal exit", [(MAIN, "unpacker error")], BANDS))
    report = wire_client.parse_push_report(body)
    assert (report.unpack, report.refs) == (b"index-pack abnormal exit", {MAIN: b"unpacker error"})


def test_refused_refs_of_a_sound_pack_are_told_one_by_one() -> None:
    body = b"".join(rejected_report(None, [(MAIN, "non-fast-forward"), (TOPIC, "atomic push failure")], PLAIN))
    report = wire_client.parse_push_report(body, side_band=False)
    assert report.unpack == b"ok"
    assert report.refs == {MAIN: b"non-fast-forward", TOPIC: b"atomic push failure"}


def test_reason_cannot_forge_a_line() -> None:
    body = b"".join(rejected_report("a\nb", [(MAIN, "x\nok refs/heads/main\n\udcff")], PLAIN))
    assert wire_client.lines(wire_client.decode(body)) == [
        b"unpack a b",
        rb"ng refs/heads/main x ok refs/heads/main \udcff",
    ]


def test_overlong_reason_is_cut_to_a_packet() -> None:
    body = b"".join(rejected_report("x" * 70_000, [(MAIN, "y" * 70_000)], PLAIN))
    assert [len(line) for line in wire_client.lines(wire_client.decode(body))] == [65_515, 65_515]


def test_report_of_many_refs_is_made_in_chunks() -> None:
    verdicts: list[tuple[bytes, str | None]] = [(b"refs/heads/topic-%06d" % number, None) for number in range(50_000)]
    chunks = list(committed_report(Durable(), verdicts, BANDS))
    assert max(map(len, chunks)) < 1 << 17
    assert wire_client.parse_push_report(b"".join(chunks)).refs == dict.fromkeys(name for name, _ in verdicts)


def test_message_goes_before_the_report_and_only_into_a_band() -> None:
    body = push_message("caf\xe9\n", BANDS) + b"".join(committed_report(Durable(), [(MAIN, None)], BANDS))
    report = wire_client.parse_push_report(body)
    assert (report.messages, report.refs) == ("caf\xe9\n".encode(), {MAIN: None})
    assert push_message("hello", PLAIN) == b""


def test_error_is_told_in_the_frame_that_the_client_reads() -> None:
    assert wire_client.parse_push_report(push_error(b"no", BANDS)).error == b"no\n"
    assert push_error(b"no", PLAIN) == push_error(b"no", None) == b"000aERR no"


def test_one_place_alone_can_write_that_a_ref_moved() -> None:
    """`ok <ref>` in whatever form: as a literal's start, also behind the digits of a pkt-line."""
    literal = re.compile(rb"""["'](?:[0-9a-f]{4})?ok (?!["'])""")
    folders = [Path(package.__file__).parent for package in (packengine, server) if package.__file__]
    places = [
        f"{path.relative_to(folder)}: {line.decode().strip()}"
        for folder in folders
        for path in sorted(folder.rglob("*.py*"))
        if path.suffix in (".py", ".pyx")
        for line in path.read_bytes().splitlines()
        if literal.search(line)
    ]
    assert len(places) == 1, places
    assert places[0].startswith("protocol/push_report.py: ")
