"""Refs over REST."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from quart import Blueprint, Response

from core_ext import Cancel
from packengine.repository import RepositoryState
from packengine.repository.browsing import Snapshot
from packengine.repository.ref_edits import Expected, RefPage
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed
from packhouse_client.types.health import Ok
from packhouse_client.types.refs import REFS_MAX, DeleteRef, ListRefs, MoveRef
from packhouse_client.types.repositories import RefItem
from server.rest.body import decoded, json_response
from server.rest.context import services
from server.rest.cursors import NEXT_CURSOR, cursor_header
from server.rest.errors import bad_request
from server.rest.oids import parsed_oid, parsed_oid_or_none
from server.rest.operations import operation
from server.rest.query import read_query
from server.rest.reading import read_repository
from server.rest.writes import begin_write, body_or_error

refs = Blueprint("refs", __name__)

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What servers put in place of octets of a path that they cannot decode: it stands for no name in particular."""

_REF = "/v1/repos/<repository_id>/refs/<path:name>"


@refs.get("/v1/repos/<repository_id>/refs")
@operation(answer=list[RefItem], query=ListRefs, headers=(NEXT_CURSOR,), tag="refs", reads=True)
async def list_refs(repository_id: str) -> Response:
    """Refs in name order, those whose names start with `prefix`. Pages of the newest state each."""
    edits = services().engine.refs

    def work(snapshot: Snapshot, query: ListRefs, _cancel: Cancel) -> tuple[bytes, str | None]:
        page = edits.page(snapshot.state, query.prefix.encode(), min(query.limit, REFS_MAX), query.cursor)
        return msgspec.json.encode(_items(page)), page.cursor

    data, cursor = await read_repository(repository_id, ListRefs, work)
    return json_response(data, cursor_header(cursor))


@refs.put(_REF)
@operation(answer=RefItem, body=MoveRef, errors=("ref_conflict",), tag="refs")
async def move(repository_id: str, name: str) -> Response:
    """Create or move a ref, if it stands for what is expected. The path goes on with its name: `refs/heads/main`."""
    writing = begin_write(repository_id)
    body = await body_or_error()
    edits = services().engine.refs

    def write(state: RepositoryState, writer: Writer) -> tuple[RefItem, Committed | None]:
        asked = decoded(body, MoveRef)
        expected = None if asked.expected is UNSET else Expected(parsed_oid_or_none("expected", asked.expected, state))
        new = parsed_oid("sha", asked.sha, state)
        committed = edits.move(state, _full_name(name), new, expected, writer)
        return RefItem(f"refs/{name}", asked.sha), committed

    return await writing.answer(write)


@refs.delete(_REF)
@operation(answer=Ok, query=DeleteRef, errors=("ref_conflict",), tag="refs")
async def delete(repository_id: str, name: str) -> Response:
    """Delete a ref, if it stands for what is expected. HEAD's branch stays."""
    writing = begin_write(repository_id)
    edits = services().engine.refs

    def write(state: RepositoryState, writer: Writer) -> tuple[Ok, Committed | None]:
        text = read_query(DeleteRef).expected
        expected = None if text is None else Expected(parsed_oid("expected", text, state))
        return Ok(), edits.delete(state, _full_name(name), expected, writer)

    return await writing.answer(write)


def _full_name(name: str) -> bytes:
    if _REPLACEMENT in name:
        raise bad_request("the name of the ref in the path is not UTF-8")
    return b"refs/" + name.encode()


def _items(page: RefPage) -> list[RefItem]:
    return [RefItem(entry.name.decode("utf-8", "replace"), entry.oid.hex()) for entry in page.entries]
