"""Notes on commits and other objects, as `git notes` keeps them."""

from __future__ import annotations

from msgspec import Struct

from packhouse_client.types.commits import Person

DEFAULT_NOTES_REF = "refs/notes/commits"


class ReadNote(Struct, frozen=True):
    """The query of GET and DELETE /v1/repos/:id/notes. `ref`: completed as `git notes --ref` does it."""

    commit: str
    ref: str = DEFAULT_NOTES_REF


class WriteNote(Struct, frozen=True):
    """POST /v1/repos/:id/notes. An empty text takes the note away; `force` replaces one that is there."""

    commit: str
    text: str
    ref: str = DEFAULT_NOTES_REF
    author: Person | None = None
    force: bool = False


class Note(Struct, frozen=True):
    """The note on a commit; an empty text: there is none any more."""

    ref: str
    commit: str
    text: str
