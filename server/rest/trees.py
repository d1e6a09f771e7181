"""What a tree holds."""

from __future__ import annotations

import msgspec
from msgspec import UNSET
from quart import Blueprint, Response

from core_ext import Cancel
from packengine.repository.browsing import Snapshot, TreeAsked, is_folder, is_submodule, path_text, tree_page
from packengine.repository.browsing.trees import Row
from packhouse_client.types.trees import TREE_ENTRIES_MAX, ListTree, TreeItem
from server.rest.body import json_response
from server.rest.cursors import cursor_header
from server.rest.operations import operation
from server.rest.reading import read_repository

trees = Blueprint("trees", __name__)


@trees.get("/v1/repos/<repository_id>/tree")
@operation(answer=list[TreeItem], query=ListTree, headers=("X-Next-Cursor",), tag="trees", reads=True)
async def listing(repository_id: str) -> Response:
    """All files of a revision, or of a folder of it; folders first."""
    data, cursor = await read_repository(repository_id, ListTree, _listed)
    return json_response(data, cursor_header(cursor))


def _listed(snapshot: Snapshot, query: ListTree, cancel: Cancel) -> tuple[bytes, str | None]:
    limit = min(query.limit, TREE_ENTRIES_MAX)
    page = tree_page(snapshot, TreeAsked(query.ref, query.path, query.recursive, limit, query.cursor), cancel)
    return msgspec.json.encode([_item(row) for row in page.rows]), page.cursor


def _item(row: Row) -> TreeItem:
    path, mode, oid, size_bytes = row
    text, mode_text, sha = path_text(path), f"{mode:06o}", oid.hex()
    if is_folder(mode):
        return TreeItem(text, "dir", mode_text, sha)
    if is_submodule(mode):
        return TreeItem(text, "submodule", mode_text, sha)
    return TreeItem(text, "file", mode_text, sha, UNSET if size_bytes is None else size_bytes)
