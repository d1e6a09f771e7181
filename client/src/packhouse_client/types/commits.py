"""Commits: changes to the files of a branch."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

MAX_CHANGES = 10_000
"""In one commit."""

MAX_DATE_S = 2**34 - 1


class Person(Struct, frozen=True):
    """An author or committer. `date`: seconds since 1970, absent for now; `offset`: of their clock, as `+0130`."""

    name: str
    email: str
    date: Annotated[int, Meta(ge=0, le=MAX_DATE_S)] | None = None
    offset: str = "+0000"


class WriteChange(Struct, frozen=True, rename="camel", tag_field="op", tag="write"):
    """A file with this content: text, or octets in base64; with neither an empty one.

    `mode`: 100644, 100755 or 120000 (a symbolic link, whose content is its target); absent: as the file there has it.
    """

    path: str
    content: str | None = None
    content_base64: str | None = None
    mode: str | None = None


class DeleteChange(Struct, frozen=True, tag_field="op", tag="delete"):
    """No file or folder there; it need not have been there."""

    path: str


class MoveChange(Struct, frozen=True, tag_field="op", tag="move"):
    """What is at `from`, a file or a folder, at `to` instead."""

    source: str = field(name="from")
    target: str = field(name="to")


Change = WriteChange | DeleteChange | MoveChange
Changes = Annotated[list[Change], Meta(max_length=MAX_CHANGES)]


class MakeCommit(Struct, frozen=True):
    """POST /v1/repos/:id/commits. `parent`: what the branch stands for; null or absent: the branch must not exist.

    With `force` the branch moves whatever it stood for, and `parent` says only what the commit is built on. Changes are
    made one after the other.
    """

    branch: str
    message: str
    parent: str | None = None
    author: Person | None = None
    committer: Person | None = None
    changes: Changes = field(default_factory=list)
    force: bool = False


class CommitMade(Struct, frozen=True):
    """A commit that its branch stands for."""

    commit: str
    tree: str
    branch: str
