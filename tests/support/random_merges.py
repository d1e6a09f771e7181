"""Random histories for merges: two branches of each differ by everything that Git's merge has a rule for.

Names and folders come from small pools, so that both sides often do something to the same place: renames of files and
of folders, changed modes and kinds, files where folders were, submodules, binary files, both line endings, and
histories that cross each other or have nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.support.git import git

FOLDERS = ("", "", "a/", "a/", "b/", "a/sub/", "b/deep/er/", "lib/")
NAMES = ("one", "two", "three", "four.txt", "five.c", "a", "b", "sub")
WORDS = ("alpha", "beta", "gamma", "delta", "", "}", "{", "return 0;", "end", "\tx = 1", "same", "same")
REGULAR, EXECUTABLE, SYMLINK, GITLINK = b"100644", b"100755", b"120000", b"160000"

File = tuple[bytes, bytes]  # its mode, and its content or a submodule's commit in hexadecimal
Files = dict[str, File]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two commits to be merged."""

    name: str
    ours: str
    theirs: str


def build(path: Path, *, seed: int, pairs: int, object_format: str = "sha1") -> list[Pair]:
    """Make a bare repository of one pack with so many pairs of branches."""
    git("init", "--quiet", "--bare", f"--object-format={object_format}", path)
    stream = bytearray()
    names = []
    for number in range(pairs):
        story = _Story(Random(f"{seed}/{number}"), stream, f"{seed}/{number}", 64 if object_format == "sha256" else 40)
        names.append(story.tell())
    stream += b"done\n"
    git("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--done", cwd=path, stdin=bytes(stream))
    lines = git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", cwd=path).decode().split("\n")
    oids = dict(line.split() for line in lines if line)
    return [Pair(f"{seed}/{number}", oids[left], oids[right]) for number, (left, right) in enumerate(names)]


class _Story:
    """One history, written as commands for fast-import."""

    def __init__(self, random: Random, stream: bytearray, name: str, hex_len: int) -> None:
        self._random = random
        self._stream = stream
        self._name = name
        self._hex_len = hex_len
        self._count = 0
        # Most histories mix a few kinds of change only, so that rare ones meet each other often enough.
        self._changes = random.sample(_CHANGES, random.randint(2, 5))

    def tell(self) -> tuple[str, str]:
        """The two branches."""
        shape = self._random.choices(_SHAPES, weights=[weight for weight, _ in _WEIGHTED_SHAPES])[0]
        return shape(self)

    def fork(self) -> tuple[str, str]:
        """Two branches from one commit, with a few commits each."""
        files = self._start()
        base = self.commit(files, ())
        return self._branch(files, base)[1], self._branch(files, base)[1]

    def criss_cross(self) -> tuple[str, str]:
        """Two commits that both branches have merged, each its own way."""
        files = self._start()
        base = self.commit(files, ())
        (left, left_ref), (right, right_ref) = self._branch(files, base), self._branch(files, base)
        ends = []
        for parents in ((left_ref, right_ref), (right_ref, left_ref)):
            merged = self._mixed(files, left, right)
            ends.append(self._branch(merged, self.commit(merged, parents))[1])
        return ends[0], ends[1]

    def many_bases(self) -> tuple[str, str]:
        """Three commits that both branches have merged, with bases of their own."""
        files = self._start()
        base = self.commit(files, ())
        branches = [self._branch(files, base) for _ in range(3)]
        ends = []
        for _ in range(2):
            self._random.shuffle(branches)
            merged = files
            for branch, _ref in branches:
                merged = self._mixed(files, merged, branch)
            ends.append(self.commit(self._changed(merged), tuple(ref for _, ref in branches)))
        return ends[0], ends[1]

    def strangers(self) -> tuple[str, str]:
        """Two branches without a common ancestor."""
        return self.commit(self._start(), ()), self.commit(self._start(), ())

    def commit(self, files: Files, parents: tuple[str, ...]) -> str:
        self._count += 1
        ref = f"{self._name}/{self._count}"
        # Dates differ within a history: where they are equal, the order of merge bases is nobody's promise.
        person = b"A <a@example.org> %d +0000\n" % (1_700_000_000 + self._count * 100)
        self._stream += b"commit refs/heads/%s\ncommitter %sdata 2\nm\n\n" % (ref.encode(), person)
        for at, parent in enumerate(parents):
            self._stream += b"%s refs/heads/%s\n" % (b"merge" if at else b"from", parent.encode())
        self._stream += b"deleteall\n"
        for path, (mode, content) in sorted(files.items()):
            if mode == GITLINK:
                self._stream += b"M %s %s %s\n" % (mode, content, path.encode())
            else:
                self._stream += b"M %s inline %s\ndata %d\n%s\n" % (mode, path.encode(), len(content), content)
        return ref

    def _start(self) -> Files:
        files: Files = {}
        for _ in range(self._random.randint(3, 14)):
            _put(files, self._path(), self._file())
        return files

    def _branch(self, files: Files, parent: str) -> tuple[Files, str]:
        for _ in range(self._random.randint(1, 2)):
            files = self._changed(files)
            parent = self.commit(files, (parent,))
        return files, parent

    def _changed(self, files: Files) -> Files:
        files = dict(files)
        for _ in range(self._random.randint(1, 4)):
            self._random.choice(self._changes)(self, files)
        return files

    def _mixed(self, base: Files, left: Files, right: Files) -> Files:
        """A merge as somebody could have made it: of what both changed, either."""
        merged: Files = {}
        for path in sorted(base.keys() | left.keys() | right.keys()):
            was, ours, theirs = (side.get(path) for side in (base, left, right))
            file = theirs if ours == was else ours if theirs == was else self._random.choice([ours, theirs])
            if file is not None:
                _put(merged, path, file)
        return merged

    # --- what may happen to files

    def edit(self, files: Files) -> None:
        """Lines replaced, added or taken out, at one place or two."""
        if (path := self._some(files, REGULAR, EXECUTABLE)) is not None:
            mode, content = files[path]
            files[path] = mode, self._edited(content)

    def rename(self, files: Files) -> None:
        """A file moves; in half of the cases its content changes as well."""
        if (path := self._some(files)) is not None:
            mode, content = files.pop(path)
            name = path.rpartition("/")[2] if self._random.random() < 0.5 else self._random.choice(NAMES)
            if mode in (REGULAR, EXECUTABLE) and self._random.random() < 0.5:
                content = self._edited(content)
            _put(files, self._random.choice(FOLDERS) + name, (mode, content))

    def rename_folder(self, files: Files) -> None:
        """A folder moves, or what is in it moves into another one."""
        folders = sorted({path.rpartition("/")[0] for path in files if "/" in path})
        if not folders:
            return
        old, new = self._random.choice(folders) + "/", self._random.choice((*FOLDERS, "new/", "new/er/"))
        for path in sorted(path for path in files if path.startswith(old)):
            if path in files and self._random.random() < 0.9:
                mode, content = files.pop(path)
                if mode == REGULAR and self._random.random() < 0.2:
                    content = self._edited(content)
                _put(files, new + path.removeprefix(old), (mode, content))

    def add(self, files: Files) -> None:
        """A new file, or another one in an old one's place."""
        _put(files, self._path(), self._file())

    def copy(self, files: Files) -> None:
        """The same content at a second path."""
        if (path := self._some(files)) is not None:
            _put(files, self._path(), files[path])

    def delete(self, files: Files) -> None:
        """A file goes."""
        if (path := self._some(files)) is not None:
            del files[path]

    def set_mode(self, files: Files) -> None:
        """A file becomes executable, or is so no longer."""
        if (path := self._some(files, REGULAR, EXECUTABLE)) is not None:
            mode, content = files[path]
            files[path] = (EXECUTABLE if mode == REGULAR else REGULAR), content

    def link(self, files: Files) -> None:
        """A symbolic link, new or in a file's place."""
        path = self._some(files) if self._random.random() < 0.7 else None
        _put(files, path or self._path(), (SYMLINK, self._random.choice([b"one", b"../two", b"a/b"])))

    def submodule(self, files: Files) -> None:
        """A submodule, new, at another commit, or in a file's place."""
        path = self._some(files, GITLINK) or self._path()
        _put(files, path, (GITLINK, self._random.choice(b"1234").to_bytes(1, "big") * self._hex_len))

    def binary(self, files: Files) -> None:
        """A file with NUL bytes, new or in another one's place."""
        content = b"\0".join(self._random.randbytes(3) for _ in range(self._random.randint(1, 30)))
        path = self._some(files) if self._random.random() < 0.7 else None
        _put(files, path or self._path(), (REGULAR, content))

    def line_endings(self, files: Files) -> None:
        """All lines of a file end the other way."""
        if (path := self._some(files, REGULAR)) is not None:
            content = files[path][1]
            with_cr = b"\r\n" not in content
            content = content.replace(b"\r\n", b"\n")
            files[path] = REGULAR, content.replace(b"\n", b"\r\n") if with_cr else content

    def file_to_folder(self, files: Files) -> None:
        """A file makes room for a folder, and may lie in it afterwards."""
        if (path := self._some(files)) is not None:
            file = files.pop(path)
            _put(files, f"{path}/{self._random.choice(NAMES)}", self._random.choice([file, self._file()]))

    def folder_to_file(self, files: Files) -> None:
        """A folder makes room for a file."""
        folders = sorted({path.rpartition("/")[0] for path in files if "/" in path})
        if folders:
            _put(files, self._random.choice(folders), self._file())

    def _some(self, files: Files, *modes: bytes) -> str | None:
        paths = sorted(path for path, (mode, _) in files.items() if not modes or mode in modes)
        return self._random.choice(paths) if paths else None

    def _path(self) -> str:
        return self._random.choice(FOLDERS) + self._random.choice(NAMES)

    def _file(self) -> File:
        if self._random.random() < 0.05:
            return REGULAR, b""
        lines = [self._line() for _ in range(self._random.choice([1, 3, 8, 12, 20, 40]))]
        end = b"" if self._random.random() < 0.1 else b"\n"
        return self._random.choice([REGULAR, REGULAR, REGULAR, EXECUTABLE]), b"\n".join(lines) + end

    def _line(self) -> bytes:
        word = self._random.choice(WORDS)
        return f"{word} {self._random.randint(0, 99)}".encode() if self._random.random() < 0.6 else word.encode()

    def _edited(self, content: bytes) -> bytes:
        lines = content.split(b"\n")
        for _ in range(self._random.choice([1, 1, 2, 3, 8])):
            at = self._random.randint(0, len(lines))
            taken, added = self._random.randint(0, 3), self._random.randint(0, 3)
            lines[at : at + taken] = [self._line() for _ in range(added)]
        return b"\n".join(lines)


_CHANGES: list[Callable[[_Story, Files], None]] = [
    *[_Story.edit] * 4,
    *[_Story.rename] * 4,
    *[_Story.rename_folder] * 3,
    *[_Story.add] * 2,
    _Story.copy,
    *[_Story.delete] * 2,
    _Story.set_mode,
    _Story.link,
    _Story.submodule,
    _Story.binary,
    _Story.line_endings,
    _Story.file_to_folder,
    _Story.folder_to_file,
]
_WEIGHTED_SHAPES: list[tuple[int, Callable[[_Story], tuple[str, str]]]] = [
    (12, _Story.fork),
    (5, _Story.criss_cross),
    (2, _Story.many_bases),
    (1, _Story.strangers),
]
_SHAPES = [shape for _, shape in _WEIGHTED_SHAPES]


def _put(files: Files, path: str, file: File) -> None:
    """Write a file; what is in its way goes, be it a file where its folder is to be or a folder in its own place."""
    for other in [other for other in files if other.startswith(path + "/") or path.startswith(other + "/")]:
        del files[other]
    files[path] = file
