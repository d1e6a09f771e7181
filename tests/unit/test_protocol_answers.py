"""The pieces of an answer that stand in more than one service."""

from __future__ import annotations

from packengine.protocol import (
    END,
    KEEP_ALIVE,
    err_packet,
    fatal,
    progress,
)
from packengine.sideband import DATA_BAND, encode_band
from tests.support import wire_client

PACKFILE = b"000dpackfile\n"


def test_packfile_section_is_read_back_as_pack_messages_and_end() -> None:
    pack = bytes(range(256)) * 1_000
    said = progress(b"counting\r") + KEEP_ALIVE
    body = PACKFILE + said + encode_band(DATA_BAND, pack[:99_999]) + encode_band(DATA_BAND, pack[99_999:]) + END
    answer = wire_client.parse_fetch_answer(body)
    assert (answer.pack, answer.messages, answer.error) == (pack, b"counting\r", None)


def test_fatal_error_in_bands_is_one_line() -> None:
    assert fatal(b"out of cheese\n") == fatal(b"out of cheese") == b"0013\x03out of cheese\n"
    assert wire_client.parse_fetch_answer(PACKFILE + fatal(b"no") + END).error == b"no\n"


def test_error_outside_bands_is_a_packet_of_its_own() -> None:
    assert err_packet(b"no such thing") == b"0015ERR no such thing"
    assert wire_client.parse_fetch_answer(err_packet(b"no")).error == b"no"


def test_overlong_error_is_cut_to_a_packet() -> None:
    assert len(err_packet(b"x" * 100_000)) == 65_520
