"""Single files, as they are."""

from __future__ import annotations

from dataclasses import dataclass

from quart import Blueprint, Response, request

from core_ext import BlobReader, Cancel
from packengine.repository.browsing import FoundBlob, Snapshot, blob_at, blob_by_id
from packhouse_client.types.trees import ReadBlob
from server.git.held import check_held
from server.git.static_answer import Conditions, Content, StaticAnswer, answer_for
from server.rest.errors import ApiError, bad_request
from server.rest.octets import CACHE_CONTROL, conditions, octets, streamed
from server.rest.operations import Binary, operation
from server.rest.reading import read_repository
from server.rest.streaming import Source

PIECE_BYTES = 256 * 1024
"""What is sent at a time, and held in memory. A smaller file is read in the visit to a thread that finds it."""

_CONTENT_TYPE = "application/octet-stream"

blobs = Blueprint("blobs", __name__)


@blobs.get("/v1/repos/<repository_id>/blob")
@operation(
    answer={200: Binary(_CONTENT_TYPE), 206: Binary(_CONTENT_TYPE), 304: None},
    query=ReadBlob,
    headers=("ETag", "Accept-Ranges", "Content-Range"),
    tag="trees",
    reads=True,
)
async def content(repository_id: str) -> Response:
    """A file's content, or a range of it. Its ETag is the id of the blob."""
    asked, is_head = conditions(), request.method == "HEAD"

    def work(snapshot: Snapshot, query: ReadBlob, cancel: Cancel) -> tuple[StaticAnswer, bytes | BlobReader]:
        answer, blob = _head(_found(snapshot, query), asked)
        if is_head or answer.start == answer.stop:
            return answer, b""
        reader = snapshot.objects.open_blob(blob.oid, cancel=cancel)
        is_short = answer.stop - answer.start <= PIECE_BYTES
        return answer, _read(reader, answer.start, answer.stop) if is_short else reader

    cancel = Cancel()
    answer, body = await read_repository(repository_id, ReadBlob, work, cancel=cancel)
    if isinstance(body, bytes):
        return octets(answer, body)
    return octets(answer, streamed(_Pieces(body, answer).source(cancel)))


def _found(snapshot: Snapshot, query: ReadBlob) -> FoundBlob:
    if (query.path is None) == (query.sha is None):
        raise bad_request("query: one of path and sha is required")
    if query.path is not None:
        return blob_at(snapshot, query.commit, query.path)
    return blob_by_id(snapshot, query.sha or "")


def _head(blob: FoundBlob, asked: Conditions) -> tuple[StaticAnswer, FoundBlob]:
    answer = answer_for(Content(blob.size_bytes, blob.oid.hex(), _CONTENT_TYPE, CACHE_CONTROL), asked)
    if answer.status == 416:
        message = f"the range {asked.range!r} begins behind the end of a file of {blob.size_bytes} bytes"
        raise ApiError(416, "bad_request", message, headers={"Content-Range": f"bytes */{blob.size_bytes}"})
    return answer, blob


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

    def source(self, cancel: Cancel) -> Source:
        return Source(self._next, stop=cancel.set, close=_nothing)

    def _next(self) -> bytes:
        check_held()
        piece = _read(self.reader, self.answer.start + self.read_bytes, self.answer.stop)
        self.read_bytes += len(piece)
        return piece


def _nothing() -> None:
    """A reader goes with the last who knows it."""
