"""What a fetch of version 2 may ask for where it is offered. Format: gitprotocol-v2(5), "fetch"."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, encode_many
from packengine.protocol import (
    INFINITE_DEPTH,
    SAFE_FETCH_FEATURES,
    BlobNone,
    Deepen,
    FetchRequest,
    FilterSpec,
    RemoteProtocolError,
    UploadPackOffer,
    UploadPackRequestParser,
    WireLimits,
    advertise_v2,
)
from tests.support import wire_client

EVERYTHING = UploadPackOffer(
    agent=b"a", fetch_features=SAFE_FETCH_FEATURES | {b"packfile-uris"}, bundle_uri=True, session_id=b"ours"
)
A, B = bytes.fromhex("aa" * 20), bytes.fromhex("bb" * 20)
A_HEX, B_HEX = b"aa" * 20, b"bb" * 20


def fetch_lines(*lines: bytes, offer: UploadPackOffer = EVERYTHING, limits: WireLimits | None = None) -> FetchRequest:
    parser = UploadPackRequestParser(offer, limits or WireLimits())
    [request] = parser.feed(encode_many([b"command=fetch", DELIM, *(line + b"\n" for line in lines), FLUSH]))
    assert isinstance(request, FetchRequest)
    return request


def fetch_refusal(*lines: bytes, offer: UploadPackOffer = EVERYTHING, limits: WireLimits | None = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        fetch_lines(*lines, offer=offer, limits=limits)
    return str(caught.value)


def test_boundary_of_a_shallow_client_is_read() -> None:
    request = fetch_lines(
        b"shallow " + B_HEX, b"shallow " + A_HEX, b"shallow " + B_HEX, b"deepen 3", b"deepen-relative"
    )
    assert request.shallow == (B, A)
    assert request.deepen == Deepen(depth=3, relative=True)
    assert request.deepen.is_asked


def test_client_that_only_names_its_boundary_asks_for_no_other() -> None:
    request = fetch_lines(b"shallow " + A_HEX, b"deepen-relative")
    assert not request.deepen.is_asked


def test_boundary_by_time_and_by_refs_go_together() -> None:
    request = fetch_lines(b"deepen-not v1", b"deepen-since 1700000000", b"deepen-not refs/heads/old", b"deepen-not v1")
    assert request.deepen == Deepen(since_s=1_700_000_000, excluded_refs=(b"v1", b"refs/heads/old"))


def test_the_beginning_of_time_is_a_boundary_too() -> None:
    request = fetch_lines(b"deepen-since 0")
    assert request.deepen == Deepen(since_s=0)
    assert request.deepen.is_asked


def test_unshallow_is_the_largest_depth() -> None:
    assert fetch_lines(b"deepen 2147483647").deepen.depth == INFINITE_DEPTH


def test_numbers_are_read_as_c_reads_them() -> None:
    assert fetch_lines(b"deepen 0x10").deepen.depth == 16
    assert fetch_lines(b"deepen 010").deepen.depth == 8
    assert fetch_lines(b"deepen-since 18446744073709551614").deepen.since_s == (1 << 64) - 2


def test_the_last_of_several_depths_counts() -> None:
    assert fetch_lines(b"deepen 5", b"deepen 2").deepen.depth == 2


@pytest.mark.parametrize("depth", [b"0", b"-1", b"x", b"", b"1 ", b"1k", b"2147483648", b"9" * 5_000])
def test_depth_is_a_number_from_one_up(depth: bytes) -> None:
    assert fetch_refusal(b"deepen " + depth).startswith(f"Invalid deepen: deepen {depth[:100].decode()}")


@pytest.mark.parametrize("time", [b"yesterday", b"", b"-1", b"1k", b"18446744073709551615"])
def test_time_is_a_number_of_seconds(time: bytes) -> None:
    assert fetch_refusal(b"deepen-since " + time) == f"Invalid deepen-since: deepen-since {time.decode()}"


@pytest.mark.parametrize("other", [b"deepen-since 1", b"deepen-not v1"])
def test_depth_goes_with_no_other_boundary(other: bytes) -> None:
    sentence = "git upload-pack: deepen and deepen-since (or deepen-not) cannot be used together"
    assert fetch_refusal(other, b"deepen 1") == sentence


@pytest.mark.parametrize("oid", [b"", b"aa", b"zz" * 20, A_HEX + b"0"])
def test_shallow_line_has_exactly_one_id(oid: bytes) -> None:
    assert fetch_refusal(b"shallow " + oid) == f"invalid shallow line: shallow {oid.decode()}"


def test_filter_is_read() -> None:
    assert fetch_lines(b"filter blob:none").filter == FilterSpec((BlobNone(),))
    assert fetch_lines(b"done").filter is None


def test_second_filter_is_refused_even_if_the_first_let_all_through() -> None:
    assert fetch_refusal(b"filter combine:+", b"filter blob:none") == "multiple filter-specs cannot be combined"


def test_refs_are_wanted_by_full_name_in_the_order_they_came() -> None:
    request = fetch_lines(b"want-ref refs/heads/b", b"want-ref HEAD", b"want-ref refs/heads/a")
    assert request.want_refs == (b"refs/heads/b", b"HEAD", b"refs/heads/a")


@pytest.mark.parametrize("name", [b"main", b"heads/main", b"", b"FETCH_HEAD", b"/refs/heads/main"])
def test_what_is_no_full_name_is_no_ref(name: bytes) -> None:
    assert fetch_refusal(b"want-ref " + name) == f"unknown ref {name.decode()}"


def test_ref_is_wanted_once() -> None:
    twice = b"want-ref refs/heads/main"
    assert fetch_refusal(twice, b"want-ref refs/heads/other", twice) == "duplicate want-ref refs/heads/main"


def test_protocols_of_packs_elsewhere_are_those_that_we_know() -> None:
    request = fetch_lines(b"sideband-all", b"packfile-uris https,ftp,http,https,,")
    assert request.packfile_uris == (b"https", b"http")
    assert request.sideband_all


def test_packs_elsewhere_need_the_whole_answer_in_bands() -> None:
    assert fetch_lines(b"packfile-uris https").packfile_uris == ()


def test_protocols_of_packs_elsewhere_come_in_one_line() -> None:
    lines = (b"packfile-uris ftp", b"packfile-uris https")
    assert fetch_refusal(*lines) == "multiple packfile-uris lines forbidden"


FEATURE_LINES = {
    b"shallow": [b"shallow " + A_HEX, b"deepen 1", b"deepen-since 1", b"deepen-not v1", b"deepen-relative"],
    b"filter": [b"filter blob:none"],
    b"ref-in-want": [b"want-ref refs/heads/main"],
    b"sideband-all": [b"sideband-all"],
    b"packfile-uris": [b"packfile-uris https"],
    b"wait-for-done": [b"wait-for-done"],
}
"""gitprotocol-v2(5): the arguments that each word of `fetch=` allows."""


def advertised(offer: UploadPackOffer) -> dict[bytes, bytes]:
    lines = wire_client.lines(wire_client.decode(advertise_v2(offer)))
    return {key: value for key, _, value in (line.partition(b"=") for line in lines)}


def test_every_feature_there_is_can_be_offered_and_is_in_this_table() -> None:
    assert set(advertised(EVERYTHING)[b"fetch"].split()) == set(FEATURE_LINES)


@pytest.mark.parametrize(
    ("feature", "line"), [(feature, line) for feature, lines in FEATURE_LINES.items() for line in lines]
)
def test_argument_is_accepted_where_its_word_is_advertised_and_unexpected_elsewhere(
    feature: bytes, line: bytes
) -> None:
    with_it = UploadPackOffer(agent=b"a", fetch_features=frozenset({feature}))
    without = UploadPackOffer(agent=b"a", fetch_features=EVERYTHING.fetch_features - {feature})
    assert feature in advertised(with_it)[b"fetch"].split()
    assert feature not in advertised(without)[b"fetch"].split()
    assert isinstance(fetch_lines(line, offer=with_it), FetchRequest)
    assert fetch_refusal(line, offer=without) == f"unexpected line: '{line.decode()}'"


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (WireLimits(max_wants=1), "upload-pack: more than 1 want-ref lines"),
        (WireLimits(max_shallows=1), "upload-pack: more than 1 shallow lines"),
        (WireLimits(max_excluded_refs=1), "upload-pack: more than 1 deepen-not lines"),
        (WireLimits(max_filter_bytes=8), "a filter-spec of 9 bytes, more than 8"),
    ],
)
def test_each_limit_is_named_when_it_is_passed(limits: WireLimits, sentence: str) -> None:
    lines = [
        *(b"filter blob:none", b"shallow " + A_HEX, b"shallow " + B_HEX, b"deepen-not a", b"deepen-not b"),
        *(b"want-ref refs/a", b"want-ref refs/b"),
    ]
    assert isinstance(fetch_lines(*lines), FetchRequest)
    assert fetch_refusal(*lines, limits=limits) == sentence
