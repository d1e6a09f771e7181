"""What the compiled core does with objects is what its slow twins do, for any bytes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol, TypeVar

from hypothesis import given
from hypothesis import strategies as st

import core_ext
from tests.support import delta_twin, git_objects

if TYPE_CHECKING:
    from core_ext._core import Kind, ObjectFormat, Oid

T_co = TypeVar("T_co", covariant=True)

formats: st.SearchStrategy[ObjectFormat] = st.sampled_from(["sha1", "sha256"])
kinds: st.SearchStrategy[Kind] = st.sampled_from(git_objects.KINDS)
contents = st.binary(max_size=5000)
lines = st.lists(st.sampled_from([b"one\n", b"two two\n", b"three " * 5 + b"\n", b"\n"]), max_size=300).map(b"".join)

_hex = st.sampled_from([b"1" * 40, b"ab" * 20, b"AB" * 32, b"2" * 64, b"3" * 39, b"x" * 40])
_header_lines = st.lists(
    st.one_of(
        st.builds(
            b"%b %b\n".__mod__,
            st.tuples(st.sampled_from([b"tree", b"parent", b"object", b"author", b"committer", b"gpgsig"]), _hex),
        ),
        st.sampled_from([b"type commit\n", b"type x\n", b"tag v1\n", b"tagger t\n", b" more\n", b"\n", b"key\n", b" "]),
        st.binary(max_size=10),
    ),
    max_size=12,
).map(b"".join)
_tree_pieces = st.lists(
    st.sampled_from(
        [b"100644 a\0", b"40000 b\0", b"160000 c\0", b"040000 d\0", b"120000 \0", b"9 x\0", b"1" * 20, b"2" * 32]
    ),
    max_size=8,
).map(b"".join)


@given(kinds, contents, formats)
def test_an_object_has_the_name_that_hashlib_gives_it(kind: Kind, content: bytes, object_format: ObjectFormat) -> None:
    name = git_objects.object_id(kind, content, object_format)
    assert core_ext.hash_object(kind, content, object_format=object_format) == name


@given(contents, st.integers(0, 12), st.binary(max_size=10))
def test_zlib_inflates_what_we_deflate_and_we_what_zlib_deflates(content: bytes, level: int, tail: bytes) -> None:
    assert zlib.decompress(core_ext.deflate(content, level=level)) == content
    stream = zlib.compress(content, min(level, 9))
    inflated = core_ext.inflate(stream + tail, size=len(content), max_bytes=len(content))
    assert inflated == (content, len(stream))


@given(st.binary(max_size=200), st.integers(0, 1000))
def test_any_bytes_inflate_as_with_zlib_or_are_corrupt(stream: bytes, size: int) -> None:
    try:
        content, used = core_ext.inflate(stream, size=size, max_bytes=1000)
    except core_ext.CorruptZlib:
        assert _zlib_inflated(stream) is None or len(_zlib_inflated(stream) or b"") != size
    else:
        assert zlib.decompress(stream[:used]) == content
        assert len(content) == size


@given(lines, lines)
def test_a_delta_makes_its_target(base: bytes, target: bytes) -> None:
    delta = core_ext.encode_delta(base, target, max_delta_bytes=1 << 20)
    assert delta is not None
    assert core_ext.apply_delta(base, delta, max_result_bytes=len(target)) == target
    assert delta_twin.apply(base, delta, max_result_bytes=len(target)) == target


@given(st.binary(max_size=100), st.integers(0, 127), st.binary(max_size=40))
def test_any_instructions_do_what_they_do_to_the_twin(base: bytes, size: int, instructions: bytes) -> None:
    delta = bytes([len(base), size]) + instructions
    try:
        expected = delta_twin.apply(base, delta, max_result_bytes=1000)
    except delta_twin.BadDelta:
        expected = None
    try:
        result = core_ext.apply_delta(base, delta, max_result_bytes=1000)
    except core_ext.CorruptDelta:
        result = None
    assert result == expected


@given(st.one_of(_header_lines, st.binary(max_size=100)), formats)
def test_commits_and_tags_parse_as_the_twin_parses_them(content: bytes, object_format: ObjectFormat) -> None:
    try:
        commit = git_objects.commit(content, object_format)
    except git_objects.NotAnObject:
        commit = None
    try:
        tag = git_objects.tag(content, object_format)
    except git_objects.NotAnObject:
        tag = None
    assert _or_none(core_ext.parse_commit, content, object_format) == commit
    assert _or_none(core_ext.parse_tag, content, object_format) == tag


@given(_tree_pieces, formats)
def test_trees_parse_as_the_twin_parses_them(content: bytes, object_format: ObjectFormat) -> None:
    try:
        entries = git_objects.tree_entries(content, object_format)
    except git_objects.NotAnObject:
        entries = None
    assert _or_none(core_ext.parse_tree, content, object_format) == entries


@given(kinds, st.one_of(_header_lines, _tree_pieces), formats)
def test_edges_are_the_twin_s(kind: Kind, content: bytes, object_format: ObjectFormat) -> None:
    expected: list[tuple[Oid, Kind]] | None
    try:
        expected = git_objects.edges(kind, content, object_format)
    except git_objects.NotAnObject:
        expected = None
    try:
        edges = core_ext.object_edges(kind, content, object_format=object_format)
    except core_ext.CorruptObject:
        edges = None
    assert edges == expected


@given(kinds, st.one_of(_header_lines, _tree_pieces, st.binary(max_size=200)), formats)
def test_what_parses_not_is_found_bad(kind: Kind, content: bytes, object_format: ObjectFormat) -> None:
    findings = core_ext.check_object(kind, content, object_format=object_format)
    try:
        git_objects.edges(kind, content, object_format)
    except git_objects.NotAnObject:
        assert {severity for severity, _, _ in findings} & {"error", "fatal"}


@given(st.binary(max_size=300))
def test_any_special_file_is_checked_to_its_end(content: bytes) -> None:
    for name in (".gitmodules", ".gitattributes"):
        core_ext.check_object("blob", content, object_format="sha1", special_file=name)


class _Parser(Protocol[T_co]):
    def __call__(self, content: bytes, *, object_format: ObjectFormat) -> T_co: ...


def _or_none(parse: _Parser[T_co], content: bytes, object_format: ObjectFormat) -> T_co | None:
    try:
        return parse(content, object_format=object_format)
    except core_ext.CorruptObject:
        return None


def _zlib_inflated(stream: bytes) -> bytes | None:
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(stream)
    except zlib.error:
        return None
    return content if inflater.eof else None
