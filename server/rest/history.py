"""Past states of the refs, and the return to one.

For the owner alone, also where anybody may read: it tells who did what, and what is not shown any more.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from quart import Blueprint, Response

from core_ext import Cancel
from packengine.manifests import PublishKind
from packengine.refs.comparison import RefMove
from packengine.refs.names import BRANCH_PREFIX
from packengine.repository import Engine, RepositoryState
from packengine.repository.history import PastPublish, PastState, gone
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed, RowMissing
from packhouse_client.types.history import (
    CHANGES_MAX,
    PUBLISHES_MAX,
    RESTORED_MAX,
    STATE_REFS_MAX,
    PastStateAnswer,
    PublishItem,
    ReadHistory,
    RefChangeItem,
    RestoreMade,
    RestoreRefs,
)
from packhouse_client.types.repositories import RefItem
from server.limits import RateClass
from server.rest.access import access_to
from server.rest.body import decoded, json_response
from server.rest.context import services
from server.rest.cursors import NEXT_CURSOR, cursor_header
from server.rest.errors import ApiError, bad_request
from server.rest.instants import parsed_instant
from server.rest.operations import operation
from server.rest.reading import query_or_error, state_of
from server.rest.writes import begin_write, body_or_error

history = Blueprint("history", __name__)

_PUBLISHES = 50
_STATE_REFS = 1000

Told = tuple[bytes, str | None]
"""An answer as JSON, and the cursor of what follows."""


@history.get("/v1/repos/<repository_id>/history")
@operation(
    answer=list[PublishItem] | PastStateAnswer,
    query=ReadHistory,
    headers=(NEXT_CURSOR,),
    errors=("state_gone",),
    tag="history",
)
async def read_history(repository_id: str) -> Response:
    """What was published, newest first, but for maintenance; or, with `at` or `manifest`, the state of the refs then.

    A page may hold fewer publishes than asked for, and others follow, if it says where. The past of a fork begins with
    the fork.
    """
    _, check = access_to(repository_id, RateClass.READ)
    asked, engine, cancel = query_or_error(ReadHistory), services().engine, Cancel()

    def visit() -> Told:
        record = check()
        if isinstance(asked, ApiError):
            raise asked  # not before: who has no business with the repository hears nothing else
        state = state_of(engine, record)
        if asked.at is None and asked.manifest is None:
            return _publishes(engine, state, asked, cancel)
        return _past_state(engine, state, asked, cancel)

    data, cursor = await services().threads.run(visit, stop=cancel.set)
    return json_response(data, cursor_header(cursor))


@history.post("/v1/repos/<repository_id>/restore")
@operation(answer=RestoreMade, body=RestoreRefs, errors=("state_gone",), tag="history")
async def restore(repository_id: str) -> Response:
    """Give refs the values that they had. What protects a ref from pushes protects it from this too."""
    writing = begin_write(repository_id)
    body, engine = await body_or_error(), services().engine

    def write(state: RepositoryState, writer: Writer) -> tuple[RestoreMade, Committed | None]:
        asked = decoded(body, RestoreRefs)
        past = _find(engine, state, asked.at, asked.manifest, Cancel())
        names = None if asked.refs is None else [name.encode() for name in asked.refs]
        restored = engine.restorer.restore(state, engine.history.as_state(state, past), names, writer)
        shown = [_change(move) for move in restored.moves[:RESTORED_MAX]]
        pointer, has_more = restored.pointer, len(restored.moves) > RESTORED_MAX
        return RestoreMade(pointer.manifest.hex(), pointer.version, shown, has_more), restored.committed

    return await writing.answer(write)


def _find(
    engine: Engine, state: RepositoryState, at: int | str | None, manifest: str | None, cancel: Cancel
) -> PastState:
    if (at is None) == (manifest is None):
        raise bad_request("name the state by either at or manifest")
    if manifest is not None:
        return engine.history.named(state, bytes.fromhex(manifest), cancel)
    return engine.history.at(state, parsed_instant("at", at or ""), cancel)


def _publishes(engine: Engine, state: RepositoryState, asked: ReadHistory, cancel: Cancel) -> Told:
    limit = min(_PUBLISHES if asked.limit is None else asked.limit, PUBLISHES_MAX)
    page = engine.history.page(state, cursor=asked.cursor, limit=limit, max_moves=CHANGES_MAX, cancel=cancel)
    return msgspec.json.encode([_item(publish) for publish in page.publishes]), page.cursor


def _past_state(engine: Engine, state: RepositoryState, asked: ReadHistory, cancel: Cancel) -> Told:
    past = _find(engine, state, asked.at, asked.manifest, cancel)
    then = engine.history.as_state(state, past)
    limit = min(_STATE_REFS if asked.limit is None else asked.limit, STATE_REFS_MAX)
    try:
        page, head = engine.refs.page(then, b"", limit, asked.cursor), then.head_entry()
    except RowMissing:
        raise gone() from None
    item = PastStateAnswer(
        manifest=past.digest.hex(),
        version=past.version,
        at=past.began_ms,
        actor=_actor(past),
        kind=_kind(past),
        request_id=_request_id(past),
        default_branch=_text(then.manifest.head.removeprefix(BRANCH_PREFIX)),
        refs=[RefItem(_text(entry.name), entry.oid.hex()) for entry in page.entries],
        head_sha=UNSET if head is None else head.oid.hex(),
    )
    return msgspec.json.encode(item), page.cursor


def _item(publish: PastPublish) -> PublishItem:
    past = publish.state
    return PublishItem(
        manifest=past.digest.hex(),
        version=past.version,
        at=past.began_ms,
        actor=_actor(past),
        kind=_kind(past),
        request_id=_request_id(past),
        changes=[_change(move) for move in publish.moves],
        changes_truncated=publish.has_more_moves,
    )


def _actor(past: PastState) -> str | None:
    return None if past.is_foreign else past.head.actor


def _request_id(past: PastState) -> str | None:
    return None if past.is_foreign else past.head.request_id


def _kind(past: PastState) -> str:
    return PublishKind.FORK.value if past.is_foreign else past.head.kind.value


def _change(move: RefMove) -> RefChangeItem:
    before, after = (None if entry is None else entry.oid.hex() for entry in (move.before, move.after))
    return RefChangeItem(_text(move.name), before, after)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
