"""Ranges, validators and conditions of what never changes (RFC 9110)."""

from __future__ import annotations

import pytest

from server.git.static_answer import Conditions, Content, StaticAnswer, answer_for

CONTENT = Content(1000, "tag-1", "application/x-test", "private, max-age=60")


def answer(**conditions: str) -> StaticAnswer:
    return answer_for(CONTENT, Conditions(**conditions))


def headers(found: StaticAnswer) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in found.headers}


def test_without_conditions_all_is_sent() -> None:
    found = answer()
    assert (found.status, found.start, found.stop) == (200, 0, 1000)
    assert headers(found) == {
        "content-type": "application/x-test",
        "content-length": "1000",
        "accept-ranges": "bytes",
        "etag": '"tag-1"',
        "cache-control": "private, max-age=60",
    }


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-999", 0, 1000),
        ("bytes=10-19", 10, 20),
        ("bytes=10-", 10, 1000),
        ("bytes=990-5000", 990, 1000),
        ("bytes=-10", 990, 1000),
        ("bytes=-5000", 0, 1000),
        ("Bytes=1-2", 1, 3),
    ],
)
def test_one_range_is_answered_with_that_part(asked: str, start: int, stop: int) -> None:
    found = answer(range=asked)
    assert (found.status, found.start, found.stop) == (206, start, stop)
    assert headers(found)["content-range"] == f"bytes {start}-{stop - 1}/1000"
    assert headers(found)["content-length"] == str(stop - start)
    assert headers(found)["etag"] == '"tag-1"'


@pytest.mark.parametrize("asked", ["bytes=1000-", "bytes=1000-1000", "bytes=5000-6000"])
def test_a_range_behind_the_end_cannot_be_had(asked: str) -> None:
    found = answer(range=asked)
    assert (found.status, found.start, found.stop) == (416, 0, 0)
    assert headers(found)["content-range"] == "bytes */1000"
    assert headers(found)["content-length"] == "0"
    assert "cache-control" not in headers(found)


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=a-b", "bytes=9-1", "lines=1-2", "bytes=0-1,5-6", "bytes=--1", "bytes=-0", "0-1"],
)
def test_what_is_no_single_range_is_passed_over(asked: str) -> None:
    assert answer(range=asked).status == 200


@pytest.mark.parametrize("held", ['"tag-1"', 'W/"tag-1"', '"other", "tag-1"', "*"])
def test_whoever_has_it_is_told_so(held: str) -> None:
    found = answer(if_none_match=held, range="bytes=0-1")
    assert (found.status, found.start, found.stop) == (304, 0, 0)
    assert headers(found) == {"etag": '"tag-1"', "cache-control": "private, max-age=60"}


@pytest.mark.parametrize("held", ['"tag-2"', "", '"tag-1', "tag"])
def test_whoever_has_something_else_gets_it(held: str) -> None:
    assert answer(if_none_match=held).status == 200


def test_a_part_is_sent_only_to_whoever_holds_parts_of_the_same() -> None:
    assert answer(range="bytes=10-19", if_range='"tag-1"').status == 206
    for other in ('"tag-2"', 'W/"tag-1"', "Sat, 21 Nov 2026 10:00:00 GMT"):
        assert answer(range="bytes=10-19", if_range=other).status == 200
