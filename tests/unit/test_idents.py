"""How the names of authors and committers are cleaned, and what they may not be."""

from __future__ import annotations

import pytest

from packengine.repository.errors import WriteRefused
from packengine.repository.idents import DEFAULT_IDENT, MAX_DATE_S, MAX_IDENT_BYTES, Ident, ident_line


def line(name: str = "A. Author", email: str = "a@example.org", date_s: int | None = 5, offset: str = "+0000") -> bytes:
    return ident_line("author", Ident(name, email, date_s, offset), 1_700_000_000)


def test_the_default_is_artifacts() -> None:
    assert ident_line("author", DEFAULT_IDENT, 7) == b"author Artifacts <artifacts@noreply.local> 7 +0000"


def test_a_date_that_is_given_is_kept_with_its_offset() -> None:
    assert line(date_s=0, offset="-0130") == b"author A. Author <a@example.org> 0 -0130"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  Jo Doe \t", "Jo Doe"),
        ("<Jo>", "Jo"),
        ("Jo <jo@x> Doe", "Jo jo@x Doe"),
        ("Jo\nDoe", "JoDoe"),
        ('"Jo", Doe;', 'Jo", Doe'),
        ("Jo Doe Jr.", "Jo Doe Jr."),
        ("Jö Dœ", "Jö Dœ"),
    ],
)
def test_a_name_is_cleaned_as_git_cleans_it(name: str, kept: str) -> None:
    assert line(name=name) == f"author {kept} <a@example.org> 5 +0000".encode()


def test_an_address_may_be_empty_and_holds_no_brackets() -> None:
    assert line(email="<a@b>\n") == b"author A. Author <a@b> 5 +0000"
    assert line(email="") == b"author A. Author <> 5 +0000"


@pytest.mark.parametrize("name", ["", "  ", "<>", ",;:", "Jo\0", "J" * (MAX_IDENT_BYTES + 1), "ö" * MAX_IDENT_BYTES])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(WriteRefused, match="author's name"):
        line(name=name)


@pytest.mark.parametrize("email", ["a\0@b", "a" * (MAX_IDENT_BYTES + 1)])
def test_an_address_that_cannot_stand_in_a_commit_is_refused(email: str) -> None:
    with pytest.raises(WriteRefused, match="author's email"):
        line(email=email)


@pytest.mark.parametrize("date_s", [-1, MAX_DATE_S + 1])
def test_a_date_beyond_what_a_commit_graph_holds_is_refused(date_s: int) -> None:
    with pytest.raises(WriteRefused, match="date"):
        line(date_s=date_s)


@pytest.mark.parametrize("offset", ["", "+1", "0100", "+01:00", "UTC", "+01000"])
def test_an_offset_of_another_form_is_refused(offset: str) -> None:
    with pytest.raises(WriteRefused, match="offset"):
        line(offset=offset)
