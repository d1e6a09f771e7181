"""Paths as text: what is UTF-8 stands as it is, and no two look the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.repository.browsing.paths import MAX_PATH_BYTES, BadPath, path_bytes, path_text

NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)


@given(PATHS)
def test_every_path_comes_back_from_its_text(path: bytes) -> None:
    assert path_bytes(path_text(path)) == path


@given(PATHS)
def test_text_can_stand_in_json(path: bytes) -> None:
    path_text(path).encode()  # no lone surrogates


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"src/main.c", "src/main.c"),
        ("naïve/☃".encode(), "naïve/☃"),
        (b"tab\there", "tab\there"),
        (b"na\xffme", '"na\\377me"'),
        (b'"quoted"', '"\\"quoted\\""'),
        (b'sa"id', 'sa"id'),
        (b"back\\slash\xfe", '"back\\\\slash\\376"'),
    ],
)
def test_quotes_stand_where_they_must(path: bytes, text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("text", "path"),
    [("", b""), ("/", b""), ("a/b/", b"a/b"), ("/a", b"a"), ('"a\\tb"', b"a\tb"), ('"\\303\\274"', "ü".encode())],
)
def test_slashes_at_the_ends_and_needless_quotes_are_taken(text: str, path: bytes) -> None:
    assert path_bytes(text) == path


@pytest.mark.parametrize(
    "text", ['"open', '"bad\\q"', '"a"b"', '"\\400"', "a//b", "a/../b", "..", "./a", "a\0b", '"\\000"', '"']
)
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(BadPath):
        path_bytes(text)


def test_path_longer_than_the_limit_is_refused() -> None:
    assert len(path_bytes("x" * MAX_PATH_BYTES)) == MAX_PATH_BYTES
    with pytest.raises(BadPath):
        path_bytes("x" * (MAX_PATH_BYTES + 1))
