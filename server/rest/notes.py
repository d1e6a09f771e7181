"""Notes over REST."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response

from core_ext import Cancel
from packengine.repository import RepositoryState
from packengine.repository.browsing import Snapshot
from packengine.repository.notes import notes_ref
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed
from packhouse_client.types.notes import Note, ReadNote, WriteNote
from server.rest.body import decoded, json_response
from server.rest.context import services
from server.rest.oids import parsed_oid
from server.rest.operations import operation
from server.rest.persons import ident_of
from server.rest.query import read_query
from server.rest.reading import read_repository
from server.rest.writes import begin_write, body_or_error

MAX_NOTE_BYTES = 1 << 20
"""The largest note that is read over REST."""

notes = Blueprint("notes", __name__)

_NOTES = "/v1/repos/<repository_id>/notes"


@notes.get(_NOTES)
@operation(answer=Note, query=ReadNote, tag="notes", reads=True)
async def read(repository_id: str) -> Response:
    """The note on a commit. 404 `repo_not_found` if it has none, 400 if it has more than 1 MiB."""
    engine_notes = services().engine.notes

    def work(snapshot: Snapshot, query: ReadNote, _cancel: Cancel) -> bytes:
        ref, target = notes_ref(query.ref), parsed_oid("commit", query.commit, snapshot.state)
        text = engine_notes.read(snapshot.state, ref, target, MAX_NOTE_BYTES)
        return msgspec.json.encode(Note(ref.decode(), query.commit, text.decode(errors="replace")))

    return json_response(await read_repository(repository_id, ReadNote, work))


@notes.post(_NOTES)
@operation(answer=Note, body=WriteNote, errors=("note_exists",), tag="notes")
async def write(repository_id: str) -> Response:
    """Put a note on a commit, or take it away for an empty text. 409 `note_exists` if it has one, without `force`."""
    writing = begin_write(repository_id)
    body = await body_or_error()
    engine_notes = services().engine.notes

    def work(state: RepositoryState, writer: Writer) -> tuple[Note, Committed | None]:
        asked = decoded(body, WriteNote)
        target, author = parsed_oid("commit", asked.commit, state), ident_of(asked.author)
        made = engine_notes.write(
            state, notes_ref(asked.ref), target, asked.text, writer, author=author, force=asked.force
        )
        return Note(made.ref.decode(), asked.commit, made.text.decode()), made.committed

    return await writing.answer(work)


@notes.delete(_NOTES)
@operation(answer=Note, query=ReadNote, tag="notes")
async def delete(repository_id: str) -> Response:
    """Take the note of a commit away; it need not have one."""
    writing = begin_write(repository_id)
    engine_notes = services().engine.notes

    def work(state: RepositoryState, writer: Writer) -> tuple[Note, Committed | None]:
        asked = read_query(ReadNote)
        made = engine_notes.write(state, notes_ref(asked.ref), parsed_oid("commit", asked.commit, state), "", writer)
        return Note(made.ref.decode(), asked.commit, ""), made.committed

    return await writing.answer(work)
