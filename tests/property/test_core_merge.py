"""Merges of any trees: hostile ones end in an error of the core's, and clean ones follow laws that need no oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from core_ext import CoreError, parse_tree
from tests.support.merging import EXECUTABLE, FOLDER, REGULAR, SUBMODULE, SYMLINK, Files, History, merged

if TYPE_CHECKING:
    from core_ext._core import Oid

texts = st.lists(
    st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"", b"\n", b"long line %d\n" % 7, b"\0"]), max_size=12
).map(b"".join)
paths = st.sampled_from(["f", "g", "d/f", "d/g", "d/e/f", "e/f", "e/g"])
file_values = st.one_of(
    texts,
    st.tuples(st.sampled_from([EXECUTABLE, SYMLINK]), texts),
    st.tuples(st.just(SUBMODULE), st.sampled_from([b"1" * 20, b"2" * 20])),
)
file_sets = st.dictionaries(paths, file_values, max_size=6)

# Names that lead out of the tree, look like `.git`, or are two names; modes that nobody writes; entries in any order.
raw_names = st.sampled_from([b"f", b"d", b"d/f", b"..", b".git", b"f~ours", b"\xff", b"a" * 300])
raw_modes = st.sampled_from([REGULAR, FOLDER, SUBMODULE, SYMLINK, b"0", b"7", b"040000", b"100664", b"777777777777"])
raw_trees = st.lists(st.tuples(raw_modes, raw_names, st.integers(0, 5)), max_size=5)
raw_forests = st.lists(raw_trees, min_size=1, max_size=4)


@given(raw_forests, raw_forests, raw_forests)
def test_hostile_trees_end_in_a_result_or_an_error_of_the_core(
    base: list[list[tuple[bytes, bytes, int]]],
    ours: list[list[tuple[bytes, bytes, int]]],
    theirs: list[list[tuple[bytes, bytes, int]]],
) -> None:
    history = History()
    root = history.commit(_raw(history, base))
    left, right = history.commit(_raw(history, ours), root), history.commit(_raw(history, theirs), root)
    try:
        result = merged(history.database(), left, right, max_memory_bytes=1 << 22)
    except CoreError:
        return
    for kind, content in result.objects:
        if kind == "tree":
            parse_tree(content, object_format="sha1")


def _raw(history: History, forest: list[list[tuple[bytes, bytes, int]]]) -> Oid:
    """The last of some trees; entries name the blobs and trees before it by number, whatever their mode says."""
    targets = [history.blob(b"text\n"), history.blob(b"text\nmore\n")]
    for entries in forest:
        targets.append(history.raw_tree([(mode, name, targets[at % len(targets)]) for mode, name, at in entries]))
    return targets[-1]


@given(file_sets, file_sets)
def test_a_side_that_changed_nothing_leaves_the_other_as_it_is(base: Files, theirs: Files) -> None:
    history = History()
    base, theirs = _possible(base), _possible(theirs)
    root = history.commit(base)
    unchanged, changed = history.commit(base, root), history.commit(theirs, root)
    db = history.database()
    for left, right in ((unchanged, changed), (changed, unchanged)):
        result = merged(db, left, right)
        assert (result.tree, result.conflicts) == (history.tree(theirs), [])


@given(file_sets, file_sets)
def test_sides_that_did_the_same_merge_to_that(base: Files, both: Files) -> None:
    history = History()
    left, right = history.fork(_possible(base), _possible(both), _possible(both))
    result = merged(history.database(), left, right)
    assert (result.tree, result.conflicts) == (history.tree(_possible(both)), [])


def _possible(files: Files) -> Files:
    """Files without those in whose place a folder is needed."""
    folders = {path.rpartition("/")[0] for path in files}
    return {path: file for path, file in files.items() if path not in folders}
