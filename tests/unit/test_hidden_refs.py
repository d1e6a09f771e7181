"""Hidden refs: which names, and what listing the others costs."""

from __future__ import annotations

import hashlib

import pytest

from packengine.refs import HiddenRefs, RefEntry, RefTable, build_table

OID = b"\xaa" * 20


def table(names: list[bytes]) -> tuple[RefTable, list[bytes]]:
    """A table of these names, and the digests of the blocks that were read of it."""
    read: list[bytes] = []
    stored: dict[bytes, bytes] = {}

    def load(digest: bytes) -> bytes:
        read.append(digest)
        assert hashlib.sha256(stored[digest]).digest() == digest
        return stored[digest]

    made, blocks = build_table([RefEntry(name, OID, None) for name in sorted(names)], oid_len=20, load=load)
    stored.update(blocks)
    return made, read


@pytest.mark.parametrize(
    ("name", "patterns", "hidden"),
    [
        (b"refs/pull/1", [b"refs/pull"], True),
        (b"refs/pull/1", [b"refs/pull/"], True),
        (b"refs/pull", [b"refs/pull"], True),
        (b"refs/pulls", [b"refs/pull"], False),
        (b"refs/pull-1", [b"refs/pull"], False),
        (b"refs/heads/a", [], False),
        (b"refs/pull/1/head", [b"refs/pull", b"!refs/pull/1"], False),
        (b"refs/pull/2/head", [b"refs/pull", b"!refs/pull/1"], True),
        (b"refs/pull/1/head", [b"!refs/pull/1", b"refs/pull"], True),
        (b"refs/pull/1", [b"^refs/pull"], True),
        (b"refs/pull/1", [b"refs/pull", b"!^refs/pull/1"], False),
        (b"HEAD", [b"HEAD"], True),
        (b"HEAD", [b"refs"], False),
    ],
)
def test_last_pattern_that_matches_whole_components_hides_or_shows(
    name: bytes, patterns: list[bytes], hidden: bool
) -> None:
    assert HiddenRefs.of_patterns(patterns).hides(name) is hidden


def test_without_patterns_everything_is_shown() -> None:
    refs, _ = table([b"refs/heads/main", b"refs/tags/v1"])
    assert list(HiddenRefs().shown(refs)) == list(refs.scan())


def test_listing_leaves_out_what_is_hidden_and_keeps_what_is_shown_again() -> None:
    refs, _ = table([b"refs/heads/a", b"refs/pull", b"refs/pull/1/head", b"refs/pull/2/head", b"refs/pulls/1"])
    hidden = HiddenRefs.of_patterns([b"refs/pull", b"!refs/pull/1"])
    assert [entry.name for entry in hidden.shown(refs)] == [b"refs/heads/a", b"refs/pull/1/head", b"refs/pulls/1"]
    assert [entry.name for entry in hidden.shown(refs, b"refs/pull/")] == [b"refs/pull/1/head"]
    assert list(hidden.shown(refs, b"refs/pull/2")) == []


def test_listing_reads_no_block_of_a_hidden_range() -> None:
    names = [b"refs/heads/main", b"refs/tags/v1", *(b"refs/pull/%06d/head" % at for at in range(40_000))]
    refs, read = table(names)
    hidden = HiddenRefs.of_patterns([b"refs/pull"])
    assert [entry.name for entry in hidden.shown(refs)] == [b"refs/heads/main", b"refs/tags/v1"]
    # The blocks of either end hold refs of the range as well: at most two of each level, read once for each stretch.
    assert len(read) <= 8


def test_prefix_inside_a_hidden_range_reads_at_most_where_the_range_ends() -> None:
    refs, read = table([b"refs/heads/main", b"refs/tags/v1", *(b"refs/pull/%06d/head" % at for at in range(40_000))])
    assert list(HiddenRefs.of_patterns([b"refs/pull"]).shown(refs, b"refs/pull/02")) == []
    assert len(read) <= 3
