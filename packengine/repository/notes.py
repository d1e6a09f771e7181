"""Notes on objects, where `git notes` keeps them: in the tree of a ref below refs/notes/. Format: git-notes(1).

A note is a blob whose path is the object's id in hex, perhaps cut into folders of two digits each (the fan-out). Git
finds notes at any depth, and so do we; a new one goes where the tree has its others, one level deeper once a folder
holds many of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core_ext import ObjectDb, PackBuilder
from packengine.manifests import PublishKind
from packengine.refs.names import is_pushable_ref_name
from packengine.repository.commit_objects import CommitWords, commit_content, with_final_newline
from packengine.repository.commits import tree_of
from packengine.repository.errors import NoteExists, NoteMissing, RefRefused, WriteRefused
from packengine.repository.idents import DEFAULT_IDENT, Ident
from packengine.repository.push_drafts import PushMeans
from packengine.repository.state import RepositoryState
from packengine.repository.tree_changes import Change, DeleteFile, WriteFile, edit_tree
from packengine.repository.writing import Proposal, Writer, ingest_written, one_command, publish_written, value_of
from packengine.storage.ports import Committed

DEFAULT_REF = b"refs/notes/commits"
_NOTES = b"refs/notes/"
_FOLDER_MODE = 0o040000
_FAN_DIGITS = 2
_MAX_FLAT_BYTES = 16 * 1024
"""A folder of notes that is larger, of some 250 of them, is not added to any more: each note would write it anew."""


@dataclass(frozen=True, slots=True)
class NoteMade:
    """A note that was written, or deleted. `committed` is None if there was nothing to be deleted."""

    ref: bytes
    text: bytes
    committed: Committed | None


class NoteService:
    """Reads and writes notes."""

    def __init__(self, means: PushMeans) -> None:
        self._means = means

    def read(self, state: RepositoryState, ref: bytes, target: bytes, max_bytes: int) -> bytes:
        """The note on an object. Raises NoteMissing, and WriteRefused for one of more than max_bytes."""
        usable = self._means.visibility.usable(state)
        entry = None if self._means.policy.hidden_refs.hides(ref) else state.manifest.refs.get(ref)
        found = (
            None if entry is None else _find(usable, tree_of(usable, entry.oid, state.manifest.object_format), target)
        )
        header = None if found is None else usable.header(found.oid)
        if found is None or header is None:
            raise NoteMissing(f"{target.hex()} has no note in {ref.decode(errors='replace')}")
        if header[1] > max_bytes:
            raise WriteRefused(f"the note has {header[1]} bytes, the limit is {max_bytes}; fetch {found.oid.hex()}")
        return usable.read(found.oid)[1]

    def write(
        self,
        state: RepositoryState,
        ref: bytes,
        target: bytes,
        text: str,
        writer: Writer,
        *,
        author: Ident = DEFAULT_IDENT,
        force: bool = False,
    ) -> NoteMade:
        """Put a note on an object, or take it away for an empty text. Durable on return.

        Others may write notes meanwhile: the newest tree of notes is what is changed. force: replace a note that is
        there; NoteExists without. Raises WriteRefused for an object that the repository has not, RefRefused.
        """
        content = with_final_newline(text)
        edit = _NoteEdit(self._means, ref, target, content, author, force=force)
        committed = publish_written(self._means, state, edit.propose, writer, PublishKind.COMMIT, is_quick=True)
        return NoteMade(ref, content, committed)


def notes_ref(name: str) -> bytes:
    """The full name, as `git notes --ref` completes it. Raises RefRefused."""
    text = name.encode()
    if text.startswith(_NOTES):
        ref = text
    elif text.startswith(b"notes/"):
        ref = b"refs/" + text
    else:
        ref = _NOTES + text
    if not is_pushable_ref_name(ref, deletes=False):
        raise RefRefused(ref, "not a valid ref name")
    return ref


class _NoteEdit:
    """One note, proposed of one state after the other."""

    def __init__(
        self, means: PushMeans, ref: bytes, target: bytes, content: bytes, author: Ident, *, force: bool
    ) -> None:
        self._means = means
        self._ref = ref
        self._target = target
        self._content = content
        self._author = author
        self._force = force

    def propose(self, state: RepositoryState) -> Proposal | None:
        """A commit on the notes of that state."""
        usable, object_format = self._means.visibility.usable(state), state.manifest.object_format
        if not usable.contains(self._target):
            raise WriteRefused(f"{self._target.hex()} is no object of this repository")
        parent = value_of(state, self._ref, self._means.policy.hidden_refs)
        base = None if parent is None else tree_of(usable, parent, object_format)
        changes = self._changes(usable, base)
        if not changes:
            return None
        builder = PackBuilder(object_format=object_format, level=self._means.limits.compression_level)
        tree = edit_tree(usable, builder, base, changes, object_format)
        words = CommitWords("Notes added" if self._content else "Notes removed", self._author)
        commit = builder.add("commit", commit_content(tree, [] if parent is None else [parent], words))
        pack = ingest_written(self._means, state, [builder.finish()])
        return Proposal(one_command(state, self._ref, parent, commit), pack)

    def _changes(self, usable: ObjectDb, base: bytes | None) -> list[Change]:
        found = None if base is None else _find(usable, base, self._target)
        if not self._content:
            return [] if found is None else [DeleteFile(found.path)]
        if found is not None and not self._force:
            raise NoteExists(f"{self._target.hex()} has a note already; force replaces it")
        return [WriteFile(found.path if found is not None else _new_path(usable, base, self._target), self._content)]


@dataclass(frozen=True, slots=True)
class _Found:
    path: bytes
    oid: bytes


def _find(usable: ObjectDb, tree: bytes, target: bytes) -> _Found | None:
    for folder, path, name in _levels(usable, tree, target):
        entry = usable.tree_entry(folder, name)
        if entry is not None and entry[0] != _FOLDER_MODE:
            return _Found(path + name, entry[1])
    return None


def _new_path(usable: ObjectDb, tree: bytes | None, target: bytes) -> bytes:
    if tree is None:
        return target.hex().encode()
    *_, (folder, path, name) = _levels(usable, tree, target)
    if len(name) > _FAN_DIGITS and _is_fanned_out(usable, folder):
        name = name[:_FAN_DIGITS] + b"/" + name[_FAN_DIGITS:]
    return path + name


def _levels(usable: ObjectDb, tree: bytes, target: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(tree, its path with a slash behind, what is left of the target's name) of each folder that leads to it."""
    folder, path, name = tree, b"", target.hex().encode()
    while True:
        yield folder, path, name
        entry = usable.tree_entry(folder, name[:_FAN_DIGITS]) if len(name) > _FAN_DIGITS else None
        if entry is None or entry[0] != _FOLDER_MODE:
            return
        folder, path, name = entry[1], path + name[:_FAN_DIGITS] + b"/", name[_FAN_DIGITS:]


def _is_fanned_out(usable: ObjectDb, folder: bytes) -> bool:
    """Whether a new note goes a level below this folder: its others do, or it is large."""
    header = usable.header(folder)
    if header is not None and header[1] > _MAX_FLAT_BYTES:
        return True
    first, _ = usable.list_tree(folder, recursive=False, sizes=False, after=None, limit=1)  # folders come first
    return bool(first) and first[0][1] == _FOLDER_MODE and len(first[0][0]) == _FAN_DIGITS
