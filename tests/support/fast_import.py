"""A writer of `git fast-import` streams. Format: git-fast-import(1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

REGULAR, EXECUTABLE, SYMLINK, GITLINK = b"100644", b"100755", b"120000", b"160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file as a tree holds it. `reference` is a blob's mark, or a submodule's commit in hexadecimal."""

    mode: bytes
    reference: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """Who made a commit, when and in which time zone."""

    name: bytes
    time_s: int
    zone: bytes = b"+0000"
    email: bytes = b"someone@example.org"

    def line(self) -> bytes:
        return b"%s <%s> %d %s" % (self.name, self.email, self.time_s, self.zone)


@dataclass(frozen=True, slots=True)
class Commit:
    """All of a commit but its changes."""

    branch: bytes
    author: Person
    committer: Person
    message: bytes
    parents: tuple[bytes, ...] = ()
    encoding: bytes | None = None


class FastImport:
    """Commands in, marks out."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output
        self._last_mark = 0

    def blob(self, content: bytes, mode: bytes = REGULAR) -> Entry:
        mark = self._next_mark()
        self._output.write(b"blob\nmark %s\n" % mark)
        self._data(content)
        return Entry(mode, mark, content)

    def commit(self, commit: Commit, changes: Mapping[bytes, Entry | None]) -> bytes:
        """Write a commit. changes: path to what is there now, or to None for a deletion. Returns its mark."""
        mark = self._next_mark()
        self._commit_head(commit, mark)
        for path, entry in changes.items():
            self._output.write(_change(path, entry))
        self._output.write(b"\n")
        return mark

    def note(self, commit: Commit, target: bytes, text: bytes) -> bytes:
        """Write a commit on a notes ref that annotates `target`."""
        mark = self._next_mark()
        self._commit_head(commit, mark)
        self._output.write(b"N inline %s\n" % target)
        self._data(text)
        return mark

    def tag(self, name: bytes, target: bytes, tagger: Person, message: bytes) -> None:
        self._output.write(b"tag %s\nfrom %s\ntagger %s\n" % (name, target, tagger.line()))
        self._data(message)

    def reset(self, ref: bytes, target: bytes) -> None:
        """Point a ref at a commit."""
        self._output.write(b"reset %s\nfrom %s\n\n" % (ref, target))

    def done(self) -> None:
        self._output.write(b"done\n")

    def _commit_head(self, commit: Commit, mark: bytes) -> None:
        lines = [b"commit " + commit.branch, b"mark " + mark]
        lines += [b"author " + commit.author.line(), b"committer " + commit.committer.line()]
        if commit.encoding:
            lines.append(b"encoding " + commit.encoding)
        self._output.write(b"\n".join(lines) + b"\n")
        self._data(commit.message)
        for command, parent in zip((b"from", *(b"merge",) * len(commit.parents)), commit.parents, strict=False):
            self._output.write(b"%s %s\n" % (command, parent))

    def _data(self, content: bytes) -> None:
        self._output.write(b"data %d\n" % len(content))
        self._output.write(content)
        self._output.write(b"\n")

    def _next_mark(self) -> bytes:
        self._last_mark += 1
        return b":%d" % self._last_mark


def _change(path: bytes, entry: Entry | None) -> bytes:
    if entry is None:
        return b"D %s\n" % _quoted(path)
    return b"M %s %s %s\n" % (entry.mode, entry.reference, _quoted(path))


def _quoted(path: bytes) -> bytes:
    escapes = {0x0A: b"\\n", 0x22: b'\\"', 0x5C: b"\\\\"}
    return b'"%s"' % b"".join(escapes.get(byte, bytes([byte])) for byte in path)
