"""Writing through an engine without Git, in the words of a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core_ext import ObjectDb, parse_commit, parse_tree
from packengine.repository.commit_objects import CommitWords
from packengine.repository.commits import CommitMade, CommitRequest
from packengine.repository.merges import Merged, MergeRequest
from packengine.repository.tree_changes import Change, DeleteFile, WriteFile
from packengine.repository.writing import Writer
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project

WRITER = Writer(ACTOR)


def commit(
    project: Project,
    branch: str,
    parent: bytes | None,
    *changes: Change,
    message: str = "message",
    force: bool = False,
    writer: Writer = WRITER,
) -> CommitMade:
    """A commit of these changes."""
    request = CommitRequest(branch, parent, CommitWords(message), changes, force=force)
    return project.engine.commits.commit(project.engine.load(project.id), request, writer)


def files(project: Project, branch: str, parent: bytes | None, **contents: str | None) -> bytes:
    """A commit that writes files of these names, or deletes those that are None. Returns its id."""
    changes = [
        DeleteFile(name.encode()) if content is None else WriteFile(name.encode(), content.encode())
        for name, content in contents.items()
    ]
    return commit(project, branch, parent, *changes).commit


def merge(project: Project, source: str, target: str, *, origin: Project | None = None, **fields: Any) -> Merged:
    """Merge a branch into another one, perhaps from another project."""
    engine = project.engine
    state = None if origin is None else engine.load(origin.id)
    return engine.merges.merge(engine.load(project.id), MergeRequest(source, target, **fields), WRITER, origin=state)


def listing(project: Project, commit_oid: bytes) -> dict[bytes, bytes]:
    """Path and content of each file of a commit, in folders too."""
    objects = _objects(project)
    return dict(_files(objects, parse_commit(objects.read(commit_oid)[1], object_format="sha1")[0], b""))


def modes(project: Project, tree: bytes) -> dict[bytes, int]:
    """The mode of each entry of a tree."""
    return {name: mode for mode, name, _ in parse_tree(_objects(project).read(tree)[1], object_format="sha1")}


def said(project: Project, commit_oid: bytes) -> bytes:
    """The content of a commit."""
    return _objects(project).read(commit_oid)[1]


def _objects(project: Project) -> ObjectDb:
    return project.engine.pushes.visibility.usable(project.engine.load(project.id))


def _files(objects: ObjectDb, tree: bytes, folder: bytes) -> Iterator[tuple[bytes, bytes]]:
    for mode, name, oid in parse_tree(objects.read(tree)[1], object_format="sha1"):
        if mode == 0o040000:
            yield from _files(objects, oid, folder + name + b"/")
        else:
            yield folder + name, objects.read(oid)[1]
