"""Capability lists, versions and the agent string."""

from __future__ import annotations

import pytest

from packengine.protocol import ProtocolVersion, RemoteProtocolError, negotiate_version, sanitise_agent
from packengine.protocol._capabilities import format_capabilities, parse_capabilities


def test_list_goes_both_ways() -> None:
    text = b"report-status agent=git/2.39.5 object-format=sha1"
    words = parse_capabilities(text, max_bytes=100)
    assert words == {b"report-status": None, b"agent": b"git/2.39.5", b"object-format": b"sha1"}
    assert format_capabilities([b"report-status", (b"agent", b"git/2.39.5"), (b"object-format", b"sha1")]) == text


def test_blanks_around_a_list_mean_nothing() -> None:
    assert parse_capabilities(b"  atomic  quiet ", max_bytes=100) == {b"atomic": None, b"quiet": None}


def test_first_of_two_equal_keys_counts() -> None:
    assert parse_capabilities(b"agent=a agent=b", max_bytes=100) == {b"agent": b"a"}


def test_value_may_hold_an_equals_sign_and_may_be_empty() -> None:
    assert parse_capabilities(b"symref=HEAD:refs/heads/a=b agent=", max_bytes=100) == {
        b"symref": b"HEAD:refs/heads/a=b",
        b"agent": b"",
    }


def test_overlong_list_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="a capability list of 11 bytes, more than 10"):
        parse_capabilities(b"x" * 11, max_bytes=10)


def test_agent_keeps_only_what_cannot_break_a_line() -> None:
    assert sanitise_agent(b"git/2.39 (Linux)\n\0\xc3\xa9\x7f~!") == b"git/2.39.(Linux).....~!"
    assert len(sanitise_agent(b"x" * 1_000)) == 256


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (None, 0),
        (b"", 0),
        (b"version=0", 0),
        (b"version=1", 1),
        (b"version=2", 2),
        (b"version=2:version=1", 2),
        (b"key=value:version=1:other", 1),
        (b"version=3", 0),
        (b"version=3:version=2", 2),
        (b"version=22", 0),
        (b" version=2", 0),
        (b"VERSION=2", 0),
        (b"xversion=2", 0),
    ],
)
def test_highest_known_version_is_spoken(header: bytes | None, version: int) -> None:
    assert negotiate_version(header) is ProtocolVersion(version)
