"""Single files, as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quart import Blueprint, Response, request

from core_ext import Cancel
from packengine.repository.browsing import FoundBlob, Snapshot, blob_at, blob_by_id
from packhouse_client.types.trees import ReadBlob
from server.git.held import check_held
from server.git.static_answer import Conditions, Content, StaticAnswer, answer_for
from server.rest.errors import bad_request
from server.rest.octets import CACHE_CONTROL, conditions, octets, streamed
from server.rest.operations import Binary, operation
from server.rest.reading import read_repository
from server.rest.streaming import Source

if TYPE_CHECKING:
    from core_ext import BlobReader

PIECE_BYTES = 256 * 1024
"""What is sent at a time, and held in memory. A smaller file is read in the visit to a thread that finds it."""

_CONTENT_TYPE = "application/octet-stream"

blobs = Blueprint("blobs", __name__)


@blobs.get("/v1/repos/<repository_id>/blob")
@operation(
    answer=Binary(_CONTENT_TYPE),
    query=ReadBlob,
    headers=("ETag", "Accept-Ranges", "Content-Range"),
    tag="trees",
    reads=True,
)
async def content(repository_id: str) -> Response:
    """A file's content, or a range of it. Its ETag is the id of the blob."""
    asked, is_head = conditions(), request.method == "HEAD"

    def work(snapshot: Snapshot, query: ReadBlob, _cancel: Cancel) -> tuple[StaticAnswer, bytes | BlobReader | None]:
        return _answered(snapshot, _found(snapshot, query), asked, is_head=is_head)

    answer, body = await read_repository(repository_id, ReadBlob, work)
    if body is None or isinstance(body, bytes):
        return octets(answer, body)
    return octets(answer, streamed(_Pieces(body, answer).source))


def _found(snapshot: Snapshot, query: ReadBlob) -> FoundBlob:
    if (query.path is None) == (query.sha is None):
        raise bad_request("query: one of path and sha is required")
    if query.path is not None:
        return blob_at(snapshot, query.commit, query.path)
    return blob_by_id(snapshot, query.sha or "")


def _answered(
    snapshot: Snapshot, blob: FoundBlob, asked: Conditions, *, is_head: bool
) -> tuple[StaticAnswer, bytes | BlobReader | None]:
    """The head of the answer, and its body: none, short and in hand, or to be read."""
    answer = answer_for(Content(blob.size_bytes, blob.oid.hex(), _CONTENT_TYPE, CACHE_CONTROL), asked)
    if is_head or answer.start == answer.stop:
        return answer, None
    reader = snapshot.objects.open_blob(blob.oid)
    if answer.stop - answer.start <= PIECE_BYTES:
        return answer, _read(reader, answer.start, answer.stop)
    return answer, reader


def _read(reader: BlobReader, start: int, stop: int) -> bytes:
    """So much at most, and all of it where it is a piece or less."""
    parts, at = [], start
    while at < min(stop, start + PIECE_BYTES):
        part = reader.read(at, min(stop, start + PIECE_BYTES) - at)
        parts.append(part)
        at += len(part)
    return b"".join(parts)


@dataclass(slots=True)
class _Pieces:
    """A long file on its way."""

    reader: BlobReader
    answer: StaticAnswer
    read_bytes: int = 0

    @property
    def source(self) -> Source:
        return Source(self._next, stop=_nothing, close=_nothing)

    def _next(self) -> bytes:
        check_held()
        piece = _read(self.reader, self.answer.start + self.read_bytes, self.answer.stop)
        self.read_bytes += len(piece)
        return piece


def _nothing() -> None:
    """A piece is soon read, and a reader goes with the last who knows it."""
