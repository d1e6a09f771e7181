"""Names of refs. Format: git-check-ref-format(1); stock Git is asked in tests/compat."""

from __future__ import annotations

from bisect import bisect_left

import pytest

from packengine.refs.names import (
    MAX_REF_NAME_BYTES,
    BadRefName,
    check_ref_name,
    conflicting_ref,
    is_branch,
    is_pushable_ref_name,
    is_tag,
    is_valid_branch_name,
    is_valid_ref_name,
    is_well_formed,
)

GOOD = [
    b"refs/heads/main",
    b"refs/heads/a/b/c",
    b"refs/tags/v1.0",
    b"refs/heads/\xc3\xa9t\xc3\xa9",
    b"refs/heads/\xff",
    b"refs/heads/@",
    b"refs/heads/a@b",
    b"refs/heads/a{b",
    b"refs/heads/-x",
    b"refs/heads/.lockx".replace(b"/.", b"/x."),
    b"refs/heads/a.lock.b",
    b"refs/stash",
    b"refs/heads/HEAD",
]
BAD = [
    b"",
    b"refs",
    b"refs/",
    b"/refs/heads/a",
    b"refs//heads",
    b"refs/heads/",
    b"refs/heads/.a",
    b"refs/.heads/a",
    b"refs/heads/a..b",
    b"refs/heads/..",
    b"refs/heads/a.",
    b"refs/heads/a.lock",
    b"refs/heads.lock/a",
    b"refs/heads/a@{b",
    *(b"refs/heads/a" + bytes([byte]) + b"b" for byte in b"\x00\x01\x1f\x7f ~^:?*[\\\n\t"),
]


@pytest.mark.parametrize("name", GOOD)
def test_good_name_is_valid(name: bytes) -> None:
    assert is_valid_ref_name(name)
    check_ref_name(name)


@pytest.mark.parametrize("name", [*BAD, b"HEAD", b"heads/main", b"Refs/heads/main", b"main"])
def test_bad_name_and_name_outside_refs_is_refused(name: bytes) -> None:
    assert not is_valid_ref_name(name)
    with pytest.raises(BadRefName, match="not a valid ref name"):
        check_ref_name(name)


def test_name_outside_refs_may_still_be_well_formed() -> None:
    assert is_well_formed(b"heads/main")
    assert not is_well_formed(b"HEAD")
    assert is_well_formed(b"HEAD", allow_onelevel=True)
    assert not is_well_formed(b"@", allow_onelevel=True)


def test_name_over_the_limit_is_refused() -> None:
    longest = b"refs/heads/".ljust(MAX_REF_NAME_BYTES, b"x")
    assert is_valid_ref_name(longest)
    assert not is_valid_ref_name(longest + b"x")
    with pytest.raises(BadRefName, match="ref name of 1025 bytes, more than 1024"):
        check_ref_name(longest + b"x")
    assert is_valid_ref_name(longest + b"x", max_bytes=2_000)


@pytest.mark.parametrize(
    ("name", "creates", "deletes"),
    [
        (b"refs/heads/main", True, True),
        (b"refs/stash", False, True),
        (b"refs/@", False, False),
        (b"refs/heads/..", False, False),
        (b"HEAD", False, False),
    ],
)
def test_push_may_delete_one_level_names_but_not_make_them(name: bytes, creates: bool, deletes: bool) -> None:
    assert is_pushable_ref_name(name, deletes=False) is creates
    assert is_pushable_ref_name(name, deletes=True) is deletes


@pytest.mark.parametrize(
    ("short_name", "valid"),
    [(b"main", True), (b"a/b", True), (b"HEAD", False), (b"-x", False), (b"a b", False), (b"", False), (b"@", True)],
)
def test_branch_name_is_no_option_and_not_head(short_name: bytes, valid: bool) -> None:
    assert is_valid_branch_name(short_name) is valid


def test_branches_and_tags_are_told_by_their_folder() -> None:
    assert [is_branch(name) for name in (b"refs/heads/a", b"refs/tags/a", b"refs/headsa")] == [True, False, False]
    assert [is_tag(name) for name in (b"refs/heads/a", b"refs/tags/a", b"refs/tagsa")] == [False, True, False]


@pytest.mark.parametrize(
    ("stored", "name", "rival"),
    [
        ([], b"refs/heads/a", None),
        ([b"refs/heads/a"], b"refs/heads/a", None),
        ([b"refs/heads/a"], b"refs/heads/a/b", b"refs/heads/a"),
        ([b"refs/heads/a"], b"refs/heads/a/b/c", b"refs/heads/a"),
        ([b"refs/heads/a/b"], b"refs/heads/a", b"refs/heads/a/b"),
        ([b"refs/heads/a/b/c"], b"refs/heads/a", b"refs/heads/a/b/c"),
        ([b"refs/heads/ab", b"refs/heads/a-b"], b"refs/heads/a", None),
        # `a-x` and `a.x` sort between `a` and `a/b`.
        ([b"refs/heads/a", b"refs/heads/a-x", b"refs/heads/a.x"], b"refs/heads/a/b", b"refs/heads/a"),
        ([b"refs/heads/a-x", b"refs/heads/a/b"], b"refs/heads/a", b"refs/heads/a/b"),
        ([b"refs/heads/x"], b"refs/heads/a", None),
        ([b"refs/heads"], b"refs/heads/a", b"refs/heads"),
    ],
)
def test_ref_cannot_be_beside_its_own_folder(stored: list[bytes], name: bytes, rival: bytes | None) -> None:
    names = sorted(stored)

    def first_from(start: bytes) -> bytes | None:
        at = bisect_left(names, start)
        return names[at] if at < len(names) else None

    assert conflicting_ref(name, first_from, names.__contains__) == rival


def test_looking_for_a_conflict_asks_once_a_level() -> None:
    asked: list[bytes] = []

    def first_from(start: bytes) -> None:
        asked.append(start)

    def exists(folder: bytes) -> bool:
        asked.append(folder)
        return False

    conflicting_ref(b"refs/heads/a/b", first_from, exists)
    assert asked == [b"refs/heads/a/b/", b"refs", b"refs/heads", b"refs/heads/a"]
