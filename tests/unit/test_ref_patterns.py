"""Patterns of refs: what they match, and which of them make no sense."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.refs.rules import MAX_PATTERN_BYTES, BadRefPattern, RefPatterns, check_pattern


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("refs/heads/main", b"refs/heads/main", True),
        ("refs/heads/main", b"refs/heads/main/x", False),
        ("refs/heads/main", b"refs/heads/mai", False),
        ("refs/heads/release/*", b"refs/heads/release/1", True),
        ("refs/heads/release/*", b"refs/heads/release/1/hotfix", True),
        ("refs/heads/release/*", b"refs/heads/release", False),
        ("refs/heads/release/*", b"refs/heads/releases/1", False),
        ("refs/heads/*/main", b"refs/heads/a/b/main", True),
        ("refs/heads/*/main", b"refs/heads/main", False),
        ("refs/heads/**", b"refs/heads/a/b", True),
        ("refs/*-*-*", b"refs/tags/a--b", True),
        ("refs/*ab*ba", b"refs/aba", False),
        ("refs/*", b"refs/heads/\xff", True),
        ("refs/heads/ä", "refs/heads/ä".encode(), True),
        ("refs/heads/Main", b"refs/heads/main", False),
    ],
)
def test_a_star_stands_for_anything_also_slashes(pattern: str, name: bytes, matches: bool) -> None:
    assert RefPatterns.of([pattern]).match(name) is matches


def test_no_patterns_match_nothing() -> None:
    assert not RefPatterns.of([]).match(b"refs/heads/main")


def test_one_pattern_of_several_is_enough() -> None:
    patterns = RefPatterns.of(["refs/tags/*", "refs/heads/main"])
    assert [patterns.match(name) for name in (b"refs/tags/v1", b"refs/heads/main", b"refs/heads/side")] == [
        True,
        True,
        False,
    ]


names = st.text("ab/", max_size=12)
patterns = st.text("ab/*", max_size=8)


@given(pattern=patterns, name=names)
def test_matching_is_what_a_regular_expression_says(pattern: str, name: str) -> None:
    oracle = ".*".join(map(re.escape, ("refs/" + pattern).split("*")))
    found = RefPatterns.of(["refs/" + pattern]).match(b"refs/" + name.encode())
    assert found is (re.fullmatch(oracle, "refs/" + name) is not None)


def test_many_stars_cost_no_more_than_the_length_of_the_name() -> None:
    """A backtracking matcher would not come to an end."""
    pattern = RefPatterns.of(["refs/" + "*a" * 100 + "b"])
    begun_s = time.process_time()
    assert not pattern.match(b"refs/" + b"a" * 1000)
    assert time.process_time() - begun_s < 1


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "*",
        "main",
        "refs",
        "refs/",
        "refs/heads/",
        "/refs/heads/x",
        "refs/heads/a..b",
        "refs/heads/[ab]",
        "refs/heads/?",
        "refs/heads/a b",
        "refs/heads/x.lock",
        "!refs/heads/x",
        "refs/heads/\ud800",
        "refs/" + "x" * MAX_PATTERN_BYTES,
    ],
)
def test_what_matches_no_ref_is_no_pattern(pattern: str) -> None:
    with pytest.raises(BadRefPattern):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["refs/*", "refs/heads/*", "refs/heads/v*", "refs/*/main", "refs/heads/*.*"])
def test_what_matches_some_ref_is_a_pattern(pattern: str) -> None:
    check_pattern(pattern)
