"""Commit objects, made here. The same input gives the id that `git commit-tree` gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from packengine.repository.errors import WriteRefused
from packengine.repository.idents import DEFAULT_IDENT, Ident, ident_line
from packengine.repository.lifecycle import now_s


@dataclass(frozen=True, slots=True)
class CommitWords:
    """What a commit says beside its tree and its parents."""

    message: str
    author: Ident = DEFAULT_IDENT
    committer: Ident | None = None
    """None: the author."""


def commit_content(tree: bytes, parents: Sequence[bytes], words: CommitWords) -> bytes:
    """The content of a commit object. Raises WriteRefused.

    The message is kept as it came, but ends with a newline: `git commit-tree -m` does the same.
    """
    if "\0" in words.message:
        raise WriteRefused("a NUL byte in a commit's message is not allowed")
    now = now_s()
    lines = [
        b"tree " + tree.hex().encode(),
        *(b"parent " + parent.hex().encode() for parent in parents),
        ident_line("author", words.author, now),
        ident_line("committer", words.committer or words.author, now),
        b"",
        with_final_newline(words.message),
    ]
    return b"\n".join(lines)


def with_final_newline(text: str) -> bytes:
    """The text in UTF-8, with a newline at its end unless it is empty."""
    return (text if not text or text.endswith("\n") else text + "\n").encode()
