"""Cursors: opaque, and good for their own list alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.repository.browsing.cursors import MAX_CURSOR_CHARACTERS, decode_cursor, encode_cursor
from packengine.repository.errors import BadCursor

LIST = ("tree", "src", True)


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_fields_come_back(fields: list[bytes]) -> None:
    assert decode_cursor(encode_cursor(LIST, *fields), LIST, len(fields)) == fields


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        decode_cursor(text, LIST, 2)


def test_cursor_of_other_parameters_is_refused() -> None:
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor(("tree", "lib", True), b"1", b"2"), LIST, 2)


def test_cut_cursor_is_refused() -> None:
    cursor = encode_cursor(LIST, b"oid", b"a name that is long enough")
    for length in range(len(cursor)):
        with pytest.raises(BadCursor):
            decode_cursor(cursor[:length], LIST, 2)


def test_cursor_stands_in_a_url() -> None:
    cursor = encode_cursor(LIST, bytes(range(256)))
    assert cursor.replace("-", "").replace("_", "").isalnum()


def test_overlong_cursor_is_refused() -> None:
    with pytest.raises(BadCursor):
        decode_cursor("A" * (MAX_CURSOR_CHARACTERS + 1), LIST, 0)
