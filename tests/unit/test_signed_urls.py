"""URLs that carry their own permission."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import pytest

from server.git.signed_urls import SignedAccess, UrlSigner

PATH = "/git/demo.git/bundles/00.bundle"
LIFETIME_S = 3600
NOON_S = 1_700_000_000 // 1800 * 1800
KEY = bytes(range(32))


class Clock:
    def __init__(self, now_s: float = NOON_S) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> UrlSigner:
    return UrlSigner(KEY, lifetime_s=LIFETIME_S, now_s=clock)


def query_of(url: str) -> bytes:
    path, _, query = url.partition("?")
    assert path == PATH
    return query.encode()


def changed(query: bytes, **values: str | None) -> bytes:
    """The query with other values; None to leave one out."""
    merged: dict[str, str | None] = {**dict(parse_qsl(query.decode())), **values}
    return urlencode({key: value for key, value in merged.items() if value is not None}).encode()


def test_what_was_signed_is_believed_with_what_it_says(signer: UrlSigner) -> None:
    assert signer.verify(PATH, query_of(signer.sign(PATH, 7))) == SignedAccess(first_version=7, remaining_s=LIFETIME_S)


def test_every_process_with_the_key_believes_it_and_nobody_else(signer: UrlSigner, clock: Clock) -> None:
    query = query_of(signer.sign(PATH, 1))
    assert UrlSigner(KEY, lifetime_s=60, now_s=clock).verify(PATH, query) is not None
    assert UrlSigner(bytes(32), lifetime_s=LIFETIME_S, now_s=clock).verify(PATH, query) is None


def test_the_url_stays_the_same_for_half_a_lifetime_and_no_longer(signer: UrlSigner, clock: Clock) -> None:
    first = signer.sign(PATH, 1)
    clock.now_s = NOON_S + LIFETIME_S // 2 - 0.001
    assert signer.sign(PATH, 1) == first
    clock.now_s = NOON_S + LIFETIME_S // 2
    assert signer.sign(PATH, 1) != first


@pytest.mark.parametrize("offset_s", [0, 1, 900, 1799, 1800, 3599])
def test_a_signature_lasts_at_most_the_lifetime_and_at_least_half_of_it(
    signer: UrlSigner, clock: Clock, offset_s: int
) -> None:
    clock.now_s = NOON_S + offset_s
    access = signer.verify(PATH, query_of(signer.sign(PATH, 1)))
    assert access is not None
    assert LIFETIME_S // 2 < access.remaining_s <= LIFETIME_S


def test_it_ends_at_its_second(signer: UrlSigner, clock: Clock) -> None:
    query = query_of(signer.sign(PATH, 1))
    clock.now_s = NOON_S + LIFETIME_S - 0.001
    assert signer.verify(PATH, query) == SignedAccess(1, 1)
    clock.now_s = NOON_S + LIFETIME_S
    assert signer.verify(PATH, query) is None


def test_it_holds_for_its_path_alone(signer: UrlSigner) -> None:
    query = query_of(signer.sign(PATH, 1))
    assert signer.verify(PATH.replace("demo", "other"), query) is None
    assert signer.verify(PATH.replace("00", "01"), query) is None


@pytest.mark.parametrize(
    "values",
    [
        {"expires": str(NOON_S + 10 * LIFETIME_S)},
        {"version": "2"},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "é"},
        {"expires": None},
        {"version": None},
        {"signature": None},
        {"expires": "-1"},
        {"expires": "+1"},
        {"expires": "9" * 400},
        {"expires": "٣"},
        {"version": "01"},
        {"more": "1"},
    ],
)
def test_any_other_query_is_refused(signer: UrlSigner, values: dict[str, str | None]) -> None:
    assert signer.verify(PATH, changed(query_of(signer.sign(PATH, 1)), **values)) is None


def test_a_value_that_is_given_twice_is_refused(signer: UrlSigner) -> None:
    query = query_of(signer.sign(PATH, 1))
    assert signer.verify(PATH, query + b"&version=1") is None


@pytest.mark.parametrize(
    "spelled_otherwise",
    [
        lambda query: query + b"&",
        lambda query: b"&" + query,
        lambda query: query.replace(b"expires", b"%65xpires"),
        lambda query: query.replace(b"version=1", b"version=%31"),
        lambda query: b"&".join(reversed(query.split(b"&"))),
        lambda query: query + b"\n",
    ],
)
def test_caches_know_what_is_signed_by_one_spelling(
    signer: UrlSigner, spelled_otherwise: Callable[[bytes], bytes]
) -> None:
    query = query_of(signer.sign(PATH, 1))
    assert signer.verify(PATH, query) is not None
    assert spelled_otherwise(query) != query
    assert signer.verify(PATH, spelled_otherwise(query)) is None


def test_a_query_of_any_bytes_is_no_error(signer: UrlSigner) -> None:
    for query in (b"", b"?", b"%ff=%fe", bytes(range(256)), b"expires=1&version=1&signature=%ff", b"&" * 100_000):
        assert signer.verify(PATH, query) is None
