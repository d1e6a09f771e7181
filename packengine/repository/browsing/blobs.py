"""Single files: found by revision and path, or by the id of their blob."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.repository.browsing.paths import BadPath, path_bytes, shown_path
from packengine.repository.browsing.revisions import UnknownRevision, oid_of_hex, tree_named
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.browsing.trees import is_folder, is_submodule


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """A blob that may be read."""

    oid: bytes
    size_bytes: int


def blob_at(snapshot: Snapshot, revision: str, path: str) -> FoundBlob:
    """The file at a path; of a symbolic link, its target's text. Raises UnknownRevision, BadPath."""
    in_tree = path_bytes(path)
    root_tree = tree_named(snapshot, revision)
    found = snapshot.objects.tree_entry(root_tree, in_tree) if in_tree else None
    if found is None:
        raise BadPath(f"no such file: {shown_path(path)}")
    mode, oid = found
    if is_folder(mode) or is_submodule(mode):
        raise BadPath(f"{shown_path(path)} is a {'folder' if is_folder(mode) else 'submodule'}, not a file")
    return _measured(snapshot, oid, shown_path(path))


def blob_by_id(snapshot: Snapshot, text: str) -> FoundBlob:
    """The blob of an id, if the refs reach it. Raises UnknownRevision."""
    oid = oid_of_hex(snapshot, text)
    if oid is None:
        raise UnknownRevision(f"not the id of a blob: {shown_path(text)}")
    return _measured(snapshot, oid, text)


def _measured(snapshot: Snapshot, oid: bytes, name: str) -> FoundBlob:
    header = snapshot.objects.header(oid)
    if header is None or header[0] != "blob":
        raise UnknownRevision(f"no such blob: {name}")
    return FoundBlob(oid, header[1])
