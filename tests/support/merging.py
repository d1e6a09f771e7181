"""Merges for tests: commits made by hand of files, and merged with limits that no test passes by accident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core_ext import Cancel, MergeResult, ObjectDb, Pack, PackBuilder
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat, Oid

REGULAR, EXECUTABLE, SYMLINK, SUBMODULE, FOLDER = b"100644", b"100755", b"120000", b"160000", b"40000"

# Content of a regular file, or a mode with a content; of a submodule, the content is its commit.
File = bytes | tuple[bytes, bytes]
Files = Mapping[str, File]


class History:
    """Commits of one pack."""

    def __init__(self, object_format: ObjectFormat = "sha1") -> None:
        self._format = object_format
        self._builder = PackBuilder(object_format=object_format)
        self._time_s = 1_700_000_000

    def tree(self, files: Files) -> Oid:
        rows: list[tuple[bytes, bytes, bytes, Oid]] = []
        folders: dict[str, dict[str, File]] = {}
        for path, file in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                folders.setdefault(name, {})[rest] = file
            else:
                mode, content = file if isinstance(file, tuple) else (REGULAR, file)
                oid = content if mode == SUBMODULE else self._builder.add("blob", content)
                rows.append((name.encode(), mode, name.encode(), oid))
        for name, inner in folders.items():
            rows.append((name.encode() + b"/", FOLDER, name.encode(), self.tree(inner)))
        return self.raw_tree([(mode, name, oid) for _, mode, name, oid in sorted(rows)])

    def blob(self, content: bytes) -> Oid:
        return self._builder.add("blob", content)

    def raw_tree(self, entries: Sequence[tuple[bytes, bytes, Oid]]) -> Oid:
        """A tree of whatever entries, in this order."""
        return self._builder.add("tree", b"".join(b"%b %b\0%b" % entry for entry in entries))

    def commit(self, files: Files | Oid, *parents: Oid) -> Oid:
        """A commit of these files, or of a tree."""
        self._time_s += 100
        tree = files if isinstance(files, bytes) else self.tree(files)
        person = b"A <a@example.org> %d +0000" % self._time_s
        lines = [b"tree " + tree.hex().encode(), *(b"parent " + parent.hex().encode() for parent in parents)]
        lines += [b"author " + person, b"committer " + person, b"", b"m"]
        return self._builder.add("commit", b"\n".join(lines))

    def fork(self, base: Files, ours: Files, theirs: Files) -> tuple[Oid, Oid]:
        """Two commits upon one."""
        root = self.commit(base)
        return self.commit(ours, root), self.commit(theirs, root)

    def database(self) -> ObjectDb:
        pack = Pack.from_bytes(self._builder.finish(), None, object_format=self._format)
        return database([pack], self._format)


def merged(
    db: ObjectDb,
    ours: Oid,
    theirs: Oid,
    *,
    labels: tuple[bytes, bytes] = (b"ours", b"theirs"),
    max_memory_bytes: int = 1 << 28,
    max_text_bytes: int = 1 << 27,
    max_read_bytes: int = 1 << 32,
    rename_limit: int = 7000,
    allow_unrelated: bool = False,
    cancel: Cancel | None = None,
) -> MergeResult:
    """Merge two commits of a database."""
    return db.merge(
        ours,
        theirs,
        ours_label=labels[0],
        theirs_label=labels[1],
        max_memory_bytes=max_memory_bytes,
        max_text_bytes=max_text_bytes,
        max_read_bytes=max_read_bytes,
        rename_limit=rename_limit,
        allow_unrelated=allow_unrelated,
        cancel=cancel,
    )


def merge_files(base: Files, ours: Files, theirs: Files) -> tuple[Oid | None, dict[str, str]]:
    """Merge two sets of files made of one. Returns the tree, and the conflicts by path."""
    history = History()
    left, right = history.fork(base, ours, theirs)
    result = merged(history.database(), left, right)
    return result.tree, {path.decode(): kind for path, kind in result.conflicts}
