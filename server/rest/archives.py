"""A whole tree as one file, made while it is sent."""

from __future__ import annotations

from quart import Blueprint, Response, request

from core_ext import Cancel, Cancelled
from packengine.repository.browsing import Snapshot
from packengine.repository.browsing.archives import Archive, ArchiveFormat, ArchivePlan, plan_archive
from packhouse_client.types.trees import ReadArchive
from server.git.held import check_held
from server.git.static_answer import Conditions, Content, StaticAnswer, answer_for
from server.rest.context import services
from server.rest.octets import CACHE_CONTROL, conditions, octets, streamed
from server.rest.operations import Binary, operation
from server.rest.reading import read_repository
from server.rest.streaming import Source

_CONTENT_TYPES = {ArchiveFormat.TAR_GZ: "application/gzip", ArchiveFormat.ZIP: "application/zip"}

archives = Blueprint("archives", __name__)


@archives.get("/v1/repos/<repository_id>/archive/<path:name>")
@operation(
    answer={200: Binary(*_CONTENT_TYPES.values()), 304: None},
    query=ReadArchive,
    headers=("ETag",),
    tag="trees",
    reads=True,
)
async def archive(repository_id: str, name: str) -> Response:
    """The files of a revision as `:revision.tar.gz` or `.zip`: the same bytes each time for the same commit."""
    scratch = services().engine.pushes.quarantine

    def work(snapshot: Snapshot, query: ReadArchive, cancel: Cancel) -> tuple[ArchivePlan, Archive]:
        def check() -> None:
            check_held()
            if cancel.is_set():
                raise Cancelled("the client went away")

        plan = plan_archive(snapshot, name, query.prefix)
        return plan, Archive(snapshot, plan, check=check, cancel=cancel, scratch=scratch)

    cancel = Cancel()
    plan, made = await read_repository(repository_id, ReadArchive, work, cancel=cancel)
    return _answer(plan, Source(made.read, stop=cancel.set, close=made.close))


def _answer(plan: ArchivePlan, source: Source) -> Response:
    """Nothing is read for a HEAD, or for who has it."""
    content = Content(0, plan.tag, _CONTENT_TYPES[plan.format], CACHE_CONTROL)
    unchanged = answer_for(content, Conditions(conditions().if_none_match))
    if unchanged.status == 304:
        return octets(unchanged)
    headers = (
        (b"content-type", content.content_type.encode("ascii")),
        (b"content-disposition", f'attachment; filename="{plan.file_name}"'.encode("ascii")),
        (b"accept-ranges", b"none"),
        (b"etag", f'"{plan.tag}"'.encode("ascii")),
        (b"cache-control", CACHE_CONTROL.encode("ascii")),
    )
    return octets(StaticAnswer(200, headers), b"" if request.method == "HEAD" else streamed(source))
