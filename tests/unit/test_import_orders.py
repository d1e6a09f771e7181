"""What is kept of an import: its order with sealed credentials, its progress, decoded bodies."""

from __future__ import annotations

import gzip
from contextlib import closing

import pytest

from packengine.repository import Actor
from packengine.repository.remote_refs import ImportWish
from packengine.storage.job_ports import JobRecord, JobState, NewJob
from packengine.storage.ports import Catalog
from server.imports.decoding import PIECE_BYTES, BodyDecoder
from server.imports.failures import ImportFailed
from server.imports.orders import ImportOrder, new_import
from server.imports.progress import REFUSED_KEPT, ImportProgress
from server.imports.remote_url import Credentials, parse_remote_url
from tests.support.fakes import MemoryCatalog

URL = parse_remote_url("https://host/a")[0]
TOKEN = Credentials("x", "a very secret token")


def order_in(catalog: Catalog, credentials: Credentials | None) -> NewJob:
    return new_import(catalog, URL, credentials, ImportWish(("refs/heads/*",)), Actor("somebody", "r1"), is_admin=True)


def record(job: NewJob) -> JobRecord:
    return JobRecord(
        job.id, "repo", job.kind, JobState.RUNNING, job.subject, job.request, None, None, 0, 0, cancel_requested=False
    )


def test_an_order_is_read_as_it_was_given() -> None:
    with closing(MemoryCatalog()) as catalog:
        job = record(order_in(catalog, TOKEN))
        order = ImportOrder.of(job)
        assert (order.remote, order.wish) == (URL, ImportWish(("refs/heads/*",)))
        assert order.actor(job) == Actor("somebody", "r1")
        assert order.access(job).is_admin
        assert order.credentials(catalog, job.id) == TOKEN


def test_credentials_are_not_kept_in_the_clear() -> None:
    with closing(MemoryCatalog()) as catalog:
        jobs = [order_in(catalog, TOKEN) for _ in range(2)]
        assert all("secret token" not in job.request for job in jobs)
        assert ImportOrder.of(record(jobs[0])).secret != ImportOrder.of(record(jobs[1])).secret
        assert ImportOrder.of(record(order_in(catalog, None))).secret is None


def test_sealed_credentials_are_good_for_one_job_of_one_store() -> None:
    with closing(MemoryCatalog()) as catalog, closing(MemoryCatalog()) as other:
        job = record(order_in(catalog, TOKEN))
        order = ImportOrder.of(job)
        for store, job_id in ((catalog, "another"), (other, job.id)):
            with pytest.raises(ImportFailed, match="cannot be read"):
                order.credentials(store, job_id)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"Counting: 1%\rCounting: 2%\r", "Counting: 2%"),
        (b"first\nsecond\n", "second"),
        (b"\x1b[31mred\xff", "?[31mred\N{REPLACEMENT CHARACTER}"),
        (b"x" * 1000, "x" * 200),
        (b"\n", ""),
    ],
)
def test_of_a_remotes_words_the_last_printable_line_is_kept(text: bytes, said: str) -> None:
    progress = ImportProgress()
    progress.hear(text)
    assert progress.remote_says == said


def test_of_refs_that_did_not_move_some_are_named_and_all_counted() -> None:
    progress = ImportProgress()
    progress.refuse([(b"refs/heads/%d" % number, "why") for number in range(REFUSED_KEPT + 5)])
    assert (len(progress.refused), progress.refused_count) == (REFUSED_KEPT, REFUSED_KEPT + 5)


def decoded(content_encoding: str, body: bytes, *, step: int = 10) -> bytes:
    decoder = BodyDecoder(content_encoding)
    pieces: list[bytes] = []
    for at in range(0, len(body), step):
        pieces += decoder.decode(body[at : at + step])
    decoder.finish()
    assert all(0 < len(piece) <= max(PIECE_BYTES, step) for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(("content_encoding", "pack"), [("", bytes), ("identity", bytes), ("gzip", gzip.compress)])
def test_a_body_is_decoded_as_it_comes(content_encoding: str, pack: type[bytes]) -> None:
    body = bytes(range(256)) * 50
    assert decoded(content_encoding, pack(body)) == body


def test_what_inflates_a_thousandfold_comes_in_bounded_pieces() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    assert len(decoded("gzip", bomb, step=len(bomb))) == 20 << 20


@pytest.mark.parametrize(
    ("content_encoding", "body", "sentence"),
    [
        ("gzip", b"no gzip at all", "damaged"),
        ("gzip", gzip.compress(b"x")[:-3], "hung up"),
        ("gzip", gzip.compress(b"x") + b"y", "behind the end"),
        ("br", b"", "not asked for"),
    ],
)
def test_a_body_that_cannot_be_decoded_is_said(content_encoding: str, body: bytes, sentence: str) -> None:
    with pytest.raises(ImportFailed, match=sentence):
        decoded(content_encoding, body, step=1000)
