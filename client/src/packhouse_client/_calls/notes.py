"""Notes."""

from __future__ import annotations

from packhouse_client._call import Call, delete, get, post
from packhouse_client.types.commits import Person
from packhouse_client.types.notes import DEFAULT_NOTES_REF, Note, ReadNote, WriteNote


def show(base: str, commit: str, *, ref: str = DEFAULT_NOTES_REF) -> Call[Note]:
    """The note on a commit. Raises NotFound."""
    return get(f"{base}/notes", Note, ReadNote(commit, ref))


def write(
    base: str,
    commit: str,
    text: str,
    *,
    ref: str = DEFAULT_NOTES_REF,
    author: Person | None = None,
    force: bool = False,
) -> Call[Note]:
    """Write the note on a commit. Raises NoteExists if there is one, unless `force`."""
    return post(f"{base}/notes", WriteNote(commit, text, ref, author, force), Note)


def deletion(base: str, commit: str, *, ref: str = DEFAULT_NOTES_REF) -> Call[Note]:
    """Take the note on a commit away."""
    return delete(f"{base}/notes", Note, ReadNote(commit, ref))
