"""A made-up project's history over real files: topic branches, merges, releases, and each thing Git's model allows.

Everything follows from one seed: the same seed over the same files gives the same objects.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.support import edits, stdlib
from tests.support.fast_import import EXECUTABLE, GITLINK, REGULAR, SYMLINK, Commit, Entry, FastImport, Person

Changes = Mapping[bytes, Entry | None]

_START_S = 1_100_000_000
_PEOPLE = ["Ada Lovelace", "Grace Hopper", "Edsger W. Dijkstra", "Jürgen Groß", "Александра", "山田 太郎"]
_ZONES = [b"+0000", b"+0100", b"-0730", b"+0545", b"+1400"]
_SUBMODULE = b"9d5e2f1c0b7a86543210fedcba9876543210cafe"


@dataclass
class Branch:
    """A line of development: its ref, its newest commit and its files."""

    ref: bytes
    tip: bytes = b""
    tree: dict[bytes, Entry] = field(default_factory=dict)
    changed: dict[bytes, Entry | None] = field(default_factory=dict)
    """All that happened since it left main."""

    def fork(self, ref: bytes) -> "Branch":
        return Branch(ref, self.tip, dict(self.tree))

    def record(self, changes: Changes) -> None:
        for path, entry in changes.items():
            if entry is None:
                self.tree.pop(path, None)
            else:
                self.tree[path] = entry
        self.changed.update(changes)


class Story:
    """Tells a history to a fast-import stream."""

    def __init__(self, stream: FastImport, *, seed: int, files: int, large_blob_bytes: int) -> None:
        self.commits = 0
        self._stream = stream
        self._rng = random.Random(seed)
        self._main = Branch(b"refs/heads/main")
        texts = stdlib.text_files()
        self._unused = self._rng.sample(texts, min(files, len(texts)))
        self._donors = [content for _, content in self._unused]
        self._binaries = [data for _, data in stdlib.binary_files() if 0 < len(data) < 300_000] or [b"\0\1\2"]
        self._large_blob_bytes = large_blob_bytes

    def tell(self, commits: int) -> None:
        """Write at least this many commits, with branches, tags and notes."""
        self._begin()
        self._set_pieces()
        while self.commits < commits:
            self._chapter()
        self._end()

    def _begin(self) -> None:
        self._write(self._main, "Begin with what there is", self._new_files(max(1, len(self._unused) // 2)))

    def _set_pieces(self) -> None:
        """What a random walk would find too seldom: one commit each."""
        main, blob = self._main, self._stream.blob
        self._write(main, "Add nothing but a word", {})
        self._write(main, "Add empty files", {b"empty": blob(b""), b"pkg/__init__.py": blob(b"")})
        self._write(main, "Link", {b"link": blob(b"pkg/__init__.py", SYMLINK), b"dangling": blob(b"no/where", SYMLINK)})
        self._write(main, "Add a script", {b"bin/run": blob(b"#!/bin/sh\nexec true\n", EXECUTABLE)})
        odd_names = {b"caf\xe9/\xff\xfe.txt": blob(b"latin\n"), b'a "b"\t\\c': blob(b"quotes\n")}
        self._write(main, "Add names that are not UTF-8", odd_names)
        self._write(main, "Go deep", {b"/".join(b"level%02d" % n for n in range(40)) + b"/bottom": blob(b"deep\n")})
        self._write(main, "Add a large file", {b"data/large.bin": blob(self._rng.randbytes(self._large_blob_bytes))})
        self._write(main, "Add a sound", {b"data/sound.bin": blob(self._rng.choice(self._binaries))})
        modules = blob(b'[submodule "libs/dep"]\n\tpath = libs/dep\n\turl = https://example.org/dep.git\n')
        self._write(main, "Use a library", {b".gitmodules": modules, b"libs/dep": Entry(GITLINK, _SUBMODULE, b"")})
        self._write(main, "Gr\u00fc\u00dfe", {b"greeting": blob(b"hello\n")}, encoding="iso-8859-1")
        self._stream.tag(b"v0.0.1", main.tip, self._person(), b"The first that runs\n")
        self._unrelated_root()
        self._octopus()

    def _unrelated_root(self) -> None:
        """A second root commit, of an empty tree, merged."""
        other = Branch(b"refs/heads/unrelated")
        self._write(other, "Begin again, with nothing", {})
        self._write(other, "Bring a file", {b"unrelated/file": self._stream.blob(b"from elsewhere\n")})
        self._merge(self._main, [other])

    def _octopus(self) -> None:
        arms = [self._main.fork(b"refs/heads/arm-%d" % number) for number in range(4)]
        for number, arm in enumerate(arms):
            self._write(arm, f"Arm {number}", {b"arms/%d" % number: self._stream.blob(b"arm %d\n" % number)})
        self._merge(self._main, arms)

    def _chapter(self) -> None:
        """Some work on main, a topic beside it, and mostly the topic's merge; now and then a release."""
        topic = self._main.fork(b"refs/heads/topic/%05d" % self.commits)
        for _ in range(self._rng.randint(1, 6)):
            self._work(topic)
        for _ in range(self._rng.randint(0, 5)):
            self._work(self._main)
        if self._rng.random() < 0.9:
            self._merge(self._main, [topic])
        if self._rng.random() < 0.1:
            self._release()

    def _work(self, branch: Branch) -> None:
        kinds = [self._edit, self._add, self._rename, self._delete, self._make_executable, self._edit_binary]
        kind = self._rng.choices(kinds, weights=[80, 8, 4, 3, 2, 3])[0]
        changes = kind(branch)
        first = min(changes, default=b"nothing").decode(errors="replace")
        self._write(branch, f"{kind.__name__.strip('_').replace('_', ' ').capitalize()} {first}", changes)

    def _release(self) -> None:
        name = b"v1.%d" % self.commits
        message = b"Release %s\n\n%s" % (name, self._rng.choice(self._donors)[:400])
        self._stream.tag(name, self._main.tip, self._person(), message)
        self._stream.reset(b"refs/tags/build/%d" % self.commits, self._main.tip)
        self._stream.reset(b"refs/heads/release/%s" % name, self._main.tip)

    def _end(self) -> None:
        note = self._commit(b"refs/notes/commits", "Notes added", ())
        self._stream.note(note, self._main.tip, b"Seen and liked.\n")
        self._stream.done()

    # --- kinds of change ----------------------------------------------------------------------------------------------

    def _edit(self, branch: Branch) -> Changes:
        changes: dict[bytes, Entry | None] = {}
        for path in self._neighbours(branch, self._rng.randint(1, 5)):
            entry = branch.tree[path]
            content = edits.edit_text(self._rng, entry.content, self._rng.choice(self._donors))
            changes[path] = self._stream.blob(content, entry.mode)
        return changes

    def _add(self, _branch: Branch) -> Changes:
        return self._new_files(self._rng.randint(1, 3))

    def _rename(self, branch: Branch) -> Changes:
        path = self._neighbours(branch, 1)[0]
        folder, _, name = path.rpartition(b"/")
        return {path: None, b"%s/moved-%d/%s" % (folder, self.commits, name): branch.tree[path]}

    def _delete(self, branch: Branch) -> Changes:
        return dict.fromkeys(self._neighbours(branch, 1))

    def _make_executable(self, branch: Branch) -> Changes:
        path = self._neighbours(branch, 1)[0]
        entry = branch.tree[path]
        return {path: Entry(EXECUTABLE, entry.reference, entry.content)}

    def _edit_binary(self, branch: Branch) -> Changes:
        content = edits.edit_binary(self._rng, branch.tree[b"data/sound.bin"].content)
        return {b"data/sound.bin": self._stream.blob(content)}

    def _new_files(self, count: int) -> Changes:
        taken, self._unused = self._unused[:count], self._unused[count:]
        return {b"Lib/" + path: self._stream.blob(content) for path, content in taken}

    def _neighbours(self, branch: Branch, count: int) -> list[bytes]:
        """Text files that lie side by side, as the files of one change mostly do."""
        paths = [path for path in branch.tree if path.startswith(b"Lib/") and _is_file(branch.tree[path])]
        start = self._rng.randrange(len(paths))
        return paths[start : start + count]

    # --- commits ------------------------------------------------------------------------------------------------------

    def _write(self, branch: Branch, subject: str, changes: Changes, *, encoding: str = "utf-8") -> None:
        parents = (branch.tip,) if branch.tip else ()
        branch.tip = self._stream.commit(self._commit(branch.ref, subject, parents, encoding=encoding), changes)
        branch.record(changes)

    def _merge(self, branch: Branch, others: list[Branch]) -> None:
        """Take over what the others changed; where both changed a file, theirs stays."""
        changes: dict[bytes, Entry | None] = {}
        for other in others:
            changes |= other.changed
        names = ", ".join(other.ref.decode() for other in others)
        commit = self._commit(branch.ref, f"Merge {names}", (branch.tip, *(other.tip for other in others)))
        branch.tip = self._stream.commit(commit, changes)
        branch.record(changes)

    def _commit(self, ref: bytes, subject: str, parents: tuple[bytes, ...], *, encoding: str = "utf-8") -> Commit:
        self.commits += 1
        body = self._rng.choice(self._donors)[: self._rng.randint(0, 300)].decode("ascii", "ignore").replace("\0", "")
        message = f"{subject}\n\n{body}\n".encode(encoding)
        header = None if encoding == "utf-8" else encoding.encode()
        return Commit(ref, self._person(), self._person(), message, parents, header)

    def _person(self) -> Person:
        name = self._rng.choice(_PEOPLE).encode()
        return Person(name, _START_S + self.commits * 3571, self._rng.choice(_ZONES))


def _is_file(entry: Entry) -> bool:
    return entry.mode in (REGULAR, EXECUTABLE)
