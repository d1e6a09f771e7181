"""Bytes that people wrote, as text."""

from __future__ import annotations

import pytest

from packengine.repository.browsing.text import _CHARACTER_SETS, text_of


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        ("grün".encode(), None, "grün"),
        ("grün".encode("latin-1"), b"ISO-8859-1", "grün"),
        ("grün".encode("latin-1"), b"latin1", "grün"),
        ("grün".encode("cp1252"), b"windows-1252", "grün"),
        ("日本".encode("euc_jp"), b"EUC-JP", "日本"),
        ("grün".encode(), b"UTF-8", "grün"),
    ],
)
def test_text_is_read_by_its_encoding(data: bytes, encoding: bytes | None, text: str) -> None:
    assert text_of(data, encoding) == text


def test_what_is_no_text_of_any_kind_is_replaced() -> None:
    assert text_of(b"gr\xfcn") == "gr\ufffdn"


def test_text_that_is_not_what_it_says_is_read_as_utf_8() -> None:
    assert text_of("grün".encode(), b"us-ascii") == "grün"


@pytest.mark.parametrize("encoding", [b"zlib", b"hex", b"rot13", b"idna", b"punycode", b"unicode_escape", b"x" * 999])
def test_what_is_no_character_set_is_not_decoded_by(encoding: bytes) -> None:
    assert text_of(b"616263", encoding) == "616263"


def test_every_character_set_that_is_known_can_be_asked_for() -> None:
    for name in _CHARACTER_SETS:
        assert isinstance(text_of(b"abcd", name.encode()), str)
