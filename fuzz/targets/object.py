"""Any content, taken for any kind of object, parses as the plain-Python twin says, or is bad to the object checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeVar

import core_ext
from tests.support import git_objects

if TYPE_CHECKING:
    from core_ext._core import Kind, ObjectFormat

Parsed = TypeVar("Parsed")

FORMATS: tuple[ObjectFormat, ...] = ("sha1", "sha256")
SPECIAL_FILES: tuple[Literal[".gitmodules"], Literal[".gitattributes"]] = (".gitmodules", ".gitattributes")
SEVERITIES = {"info", "warn", "error", "fatal"}


def check(content: bytes) -> None:
    """Raises if parsing, edges, names or object checks break the rule."""
    for object_format in FORMATS:
        check_parsers(content, object_format)
        for kind in git_objects.KINDS:
            check_kind(kind, content, object_format)
    for name in SPECIAL_FILES:
        core_ext.check_object("blob", content, object_format="sha1", special_file=name)


def check_parsers(content: bytes, object_format: ObjectFormat) -> None:
    """Commits, trees and tags, part by part."""
    commit = or_none(lambda: core_ext.parse_commit(content, object_format=object_format))
    assert commit == or_none(lambda: git_objects.commit(content, object_format))
    tree = or_none(lambda: core_ext.parse_tree(content, object_format=object_format))
    assert tree == or_none(lambda: git_objects.tree_entries(content, object_format))
    tag = or_none(lambda: core_ext.parse_tag(content, object_format=object_format))
    assert tag == or_none(lambda: git_objects.tag(content, object_format))


def check_kind(kind: Kind, content: bytes, object_format: ObjectFormat) -> None:
    """Name and edges are the twin's; what has no edges because it does not parse is an error to the checks."""
    name = core_ext.hash_object(kind, content, object_format=object_format)
    assert name == git_objects.object_id(kind, content, object_format)
    edges = or_none(lambda: core_ext.object_edges(kind, content, object_format=object_format))
    assert edges == or_none(lambda: git_objects.edges(kind, content, object_format))
    findings = core_ext.check_object(kind, content, object_format=object_format)
    severities = {severity for severity, _, _ in findings}
    assert severities <= SEVERITIES
    assert edges is not None or severities & {"error", "fatal"}


def or_none(parse: Callable[[], Parsed]) -> Parsed | None:
    """What was parsed, or None if it did not parse, in either language."""
    try:
        return parse()
    except (core_ext.CorruptObject, git_objects.NotAnObject):
        return None
