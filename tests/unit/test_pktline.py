"""The pkt-line codec. Format: gitprotocol-common(5)."""

from __future__ import annotations

import pytest

from packengine.pktline import (
    DELIM,
    FLUSH,
    MAX_PACKET_BYTES,
    MAX_PAYLOAD_BYTES,
    RESPONSE_END,
    Marker,
    PktLineDecoder,
    PktLineError,
    encode,
    encode_many,
)


def decoder(*, max_packets: int = 1_000, max_bytes: int = 1 << 20, stop_at_flush: bool = False) -> PktLineDecoder:
    return PktLineDecoder(max_packets=max_packets, max_bytes=max_bytes, stop_at_flush=stop_at_flush)


@pytest.mark.parametrize(
    ("payload", "line"),
    [(b"a\n", b"0006a\n"), (b"a", b"0005a"), (b"foobar\n", b"000bfoobar\n"), (b"", b"0004")],
)
def test_examples_of_the_format_are_written_and_read(payload: bytes, line: bytes) -> None:
    assert encode(payload) == line
    assert decoder().feed(line) == [payload]


def test_markers_are_singletons_and_no_payloads() -> None:
    packets = decoder().feed(b"000000010002")
    assert [packet is marker for packet, marker in zip(packets, (FLUSH, DELIM, RESPONSE_END), strict=True)] == [
        True
    ] * 3
    assert encode_many(list(Marker)) == b"000000010002"


def test_length_digits_may_be_upper_case() -> None:
    assert decoder().feed(b"000Ahello\n") == [b"hello\n"]


def test_largest_packet_goes_both_ways() -> None:
    line = encode(b"x" * MAX_PAYLOAD_BYTES)
    assert line[:4] == b"fff0"
    assert len(line) == MAX_PACKET_BYTES
    assert decoder().feed(line) == [b"x" * MAX_PAYLOAD_BYTES]


def test_payload_over_the_limit_is_not_written() -> None:
    with pytest.raises(ValueError, match="at most 65516 bytes, not 65517"):
        encode(b"x" * 65517)
    with pytest.raises(ValueError, match="at most 65516 bytes, not 65517"):
        encode_many([b"fine", b"x" * 65517])


def test_encode_many_takes_nothing_but_packets() -> None:
    with pytest.raises(TypeError, match="not bytearray"):
        encode_many([bytearray(b"x")])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (b"0003", "protocol error: bad line length 3"),
        (b"fff1", "protocol error: bad line length 65521"),
        (b"ffff", "protocol error: bad line length 65535"),
        (b"00g0", "protocol error: bad line length character: 00g0"),
        (b"-001", "protocol error: bad line length character: -001"),
        (b"0x05", "protocol error: bad line length character: 0x05"),
        (b" 005", "protocol error: bad line length character:  005"),
        (b"\xff\x00ab", r"protocol error: bad line length character: \xff\x00ab"),
    ],
)
def test_bad_length_is_refused_in_gits_words(stream: bytes, sentence: str) -> None:
    with pytest.raises(PktLineError) as caught:
        decoder().feed(stream)
    assert str(caught.value) == sentence


def test_packets_before_an_error_are_handed_out_before_it_is_raised() -> None:
    lines = decoder()
    assert lines.feed(b"0005a0000zzzz") == [b"a", FLUSH]
    for _ in range(2):
        with pytest.raises(PktLineError, match="zzzz"):
            lines.feed(b"0000")


def test_packet_arrives_when_its_last_byte_does() -> None:
    lines = decoder()
    arrived = [lines.feed(bytes([byte])) for byte in b"0006ab0000"]
    assert arrived == [[], [], [], [], [], [b"ab"], [], [], [], [FLUSH]]


def test_any_contiguous_buffer_is_read() -> None:
    stream = b"..0006ab.."
    assert decoder().feed(memoryview(stream)[2:8]) == [b"ab"]
    assert decoder().feed(bytearray(b"0006ab")) == [b"ab"]


def test_payload_does_not_change_with_the_buffer_it_came_from() -> None:
    buffer = bytearray(b"0006ab0006")
    lines = decoder()
    [payload] = lines.feed(buffer)
    buffer[:] = b"0006zz0006"
    assert [payload, *lines.feed(b"cd")] == [b"ab", b"cd"]


def test_flush_stops_the_decoder_before_what_is_no_pkt_line() -> None:
    lines = decoder(stop_at_flush=True)
    assert lines.feed(b"0005a0000PACK") == [b"a", FLUSH]
    assert lines.take_rest() == b"PACK"
    assert lines.take_rest() == b""


def test_decoder_goes_on_behind_a_flush_when_it_is_told_to() -> None:
    lines = decoder(stop_at_flush=True)
    assert lines.feed(b"0005a00000005b0000PA") == [b"a", FLUSH]
    assert lines.feed(b"") == [b"b", FLUSH]
    assert lines.take_rest() == b"PA"


def test_bytes_behind_a_flush_are_kept_in_order_when_more_arrive() -> None:
    lines = decoder(stop_at_flush=True)
    assert lines.feed(b"00000006") == [FLUSH]
    assert lines.feed(b"ab0000") == [b"ab", FLUSH]


def test_rest_is_not_given_away_inside_a_packet() -> None:
    lines = decoder(stop_at_flush=True)
    lines.feed(b"000")
    with pytest.raises(RuntimeError):
        lines.take_rest()


@pytest.mark.parametrize("part", [b"0", b"000", b"0006", b"0006a"])
def test_end_inside_a_packet_is_an_error(part: bytes) -> None:
    lines = decoder()
    lines.feed(b"0005x" + part)
    with pytest.raises(PktLineError, match="ends inside a pkt-line"):
        lines.finish()


def test_end_between_packets_is_fine() -> None:
    lines = decoder()
    lines.finish()
    lines.feed(b"0005x0000")
    lines.finish()


def test_packets_over_the_limit_are_refused() -> None:
    lines = decoder(max_packets=2)
    assert lines.feed(b"000000000000") == [FLUSH, FLUSH]
    with pytest.raises(PktLineError, match="more than 2 pkt-lines"):
        lines.feed(b"")


def test_bytes_over_the_limit_are_refused_when_they_are_announced() -> None:
    lines = decoder(max_bytes=100)
    assert lines.feed(b"0005x") == [b"x"]
    with pytest.raises(PktLineError, match="more than 100 bytes"):
        lines.feed(b"0060")


def test_decoder_counts_what_it_took() -> None:
    lines = decoder()
    lines.feed(b"0005x00000001")
    assert (lines.packet_count, lines.byte_count) == (3, 13)
