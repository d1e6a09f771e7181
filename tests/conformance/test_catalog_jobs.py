"""What every Catalog does with jobs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from packengine.storage.job_ports import JOBS_KEPT, JobRecord, JobState, NewJob
from packengine.storage.ports import Catalog, JobUnderWay, RepositoryMissing
from tests.support.catalogs import create

TTL_MS = 1000


def add(catalog: Catalog, job_id: str, repository_id: str = "repo", *, kind: str = "import", at_ms: int = 0) -> None:
    request = json.dumps({"url": "https://a", "secret": "sealed"}, separators=(",", ":"))
    catalog.add_job(repository_id, NewJob(job_id, kind, "somebody", request, at_ms))


def claim(catalog: Catalog, holder: str, now_ms: int = 0, kind: str = "import") -> str | None:
    claimed = catalog.claim_job(kind, holder, now_ms=now_ms, ttl_ms=TTL_MS)
    return None if claimed is None else claimed.id


def found(catalog: Catalog, job_id: str) -> JobRecord:
    record = catalog.job(job_id)
    assert record is not None
    return record


def update(catalog: Catalog, job_id: str, holder: str, now_ms: int = 0) -> JobRecord | None:
    return catalog.update_job(job_id, holder, progress='{"phase":"x"}', now_ms=now_ms, ttl_ms=TTL_MS)


def end(catalog: Catalog, job_id: str, holder: str, state: JobState = JobState.DONE) -> bool:
    return catalog.end_job(job_id, holder, state, progress="{}", error="a sentence", now_ms=9)


@pytest.fixture(autouse=True)
def _repositories(catalog: Catalog) -> None:
    create(catalog, "repo")
    create(catalog, "other")


def test_a_job_is_queued_as_it_was_asked_for(catalog: Catalog) -> None:
    add(catalog, "a", at_ms=7)
    assert found(catalog, "a") == JobRecord(
        "a",
        "repo",
        "import",
        JobState.QUEUED,
        "somebody",
        '{"url":"https://a","secret":"sealed"}',
        None,
        None,
        7,
        7,
        cancel_requested=False,
    )
    assert catalog.job("b") is None


def test_one_job_of_a_kind_is_under_way_in_a_repository(catalog: Catalog) -> None:
    add(catalog, "a")
    with pytest.raises(JobUnderWay, match="import a"):
        add(catalog, "b")
    add(catalog, "c", "other")
    add(catalog, "d", kind="purge")
    claim(catalog, "worker")
    with pytest.raises(JobUnderWay):
        add(catalog, "b")
    end(catalog, "a", "worker")
    add(catalog, "b")


def test_a_missing_repository_has_no_jobs(catalog: Catalog) -> None:
    with pytest.raises(RepositoryMissing):
        add(catalog, "a", "none")
    with pytest.raises(RepositoryMissing):
        catalog.jobs("none", "import")


def test_jobs_are_listed_by_kind_with_the_newest_first(catalog: Catalog) -> None:
    for name in "abc":
        add(catalog, name)
        claim(catalog, "worker")
        end(catalog, name, "worker")
    add(catalog, "d", kind="purge")
    assert [job.id for job in catalog.jobs("repo", "import")] == ["c", "b", "a"]
    assert catalog.jobs("other", "import") == []


def test_of_those_that_have_ended_some_are_kept(catalog: Catalog) -> None:
    for number in range(JOBS_KEPT + 5):
        add(catalog, str(number))
        claim(catalog, "worker")
        end(catalog, str(number), "worker")
    kept = [int(job.id) for job in catalog.jobs("repo", "import")]
    assert kept == list(range(JOBS_KEPT + 4, 3, -1))


def test_the_oldest_free_job_is_claimed_once(catalog: Catalog) -> None:
    add(catalog, "a")
    add(catalog, "b", "other")
    assert claim(catalog, "one", kind="purge") is None
    assert claim(catalog, "one") == "a"
    assert found(catalog, "a").state is JobState.RUNNING
    assert claim(catalog, "two") == "b"
    assert claim(catalog, "three") is None


def test_of_those_who_race_for_a_job_one_gets_it(catalog: Catalog) -> None:
    add(catalog, "a")
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda holder: claim(catalog, holder), "abcdefgh"))
    assert sorted(map(str, claimed)) == ["None"] * 7 + ["a"]


def test_a_job_whose_holder_was_killed_is_taken_up_by_another(catalog: Catalog) -> None:
    add(catalog, "a")
    claim(catalog, "one")
    assert claim(catalog, "two", TTL_MS - 1) is None
    assert claim(catalog, "two", TTL_MS) == "a"
    assert update(catalog, "a", "one") is None
    assert not end(catalog, "a", "one")
    assert update(catalog, "a", "two") is not None


def test_a_holder_that_says_how_far_it_is_keeps_the_job(catalog: Catalog) -> None:
    add(catalog, "a")
    claim(catalog, "one")
    updated = update(catalog, "a", "one", 900)
    assert updated == found(catalog, "a")
    assert (updated.progress, updated.updated_at_ms) == ('{"phase":"x"}', 900)
    assert claim(catalog, "two", TTL_MS) is None


def test_what_is_secret_is_forgotten_at_the_end(catalog: Catalog) -> None:
    add(catalog, "a")
    claimed = catalog.claim_job("import", "one", now_ms=0, ttl_ms=TTL_MS)
    assert claimed is not None
    assert "sealed" in claimed.request
    assert end(catalog, "a", "one", JobState.FAILED)
    ended = found(catalog, "a")
    assert (ended.state, ended.request, ended.error) == (JobState.FAILED, '{"url":"https://a"}', "a sentence")
    assert not end(catalog, "a", "one")


def test_a_job_that_is_given_back_is_claimed_anew(catalog: Catalog) -> None:
    add(catalog, "a")
    claim(catalog, "one")
    catalog.give_back_job("a", "two", now_ms=1)
    assert claim(catalog, "three") is None
    catalog.give_back_job("a", "one", now_ms=1)
    assert found(catalog, "a").state is JobState.QUEUED
    assert claim(catalog, "three") == "a"


def test_a_queued_job_is_cancelled_at_once(catalog: Catalog) -> None:
    add(catalog, "a")
    catalog.request_cancel("a", now_ms=5)
    cancelled = found(catalog, "a")
    assert (cancelled.state, cancelled.request) == (JobState.CANCELLED, '{"url":"https://a"}')
    assert claim(catalog, "one") is None


def test_a_running_job_hears_that_it_is_to_be_cancelled(catalog: Catalog) -> None:
    add(catalog, "a")
    claim(catalog, "one")
    catalog.request_cancel("a", now_ms=5)
    assert found(catalog, "a").state is JobState.RUNNING
    updated = update(catalog, "a", "one", 6)
    assert updated is not None
    assert updated.cancel_requested
    assert end(catalog, "a", "one", JobState.CANCELLED)


def test_a_cancelled_job_whose_holder_was_killed_is_not_taken_up(catalog: Catalog) -> None:
    add(catalog, "a")
    claim(catalog, "one")
    catalog.request_cancel("a", now_ms=5)
    assert claim(catalog, "two", TTL_MS) is None
    assert found(catalog, "a").state is JobState.CANCELLED


def test_what_has_ended_is_not_cancelled(catalog: Catalog) -> None:
    add(catalog, "a")
    claim(catalog, "one")
    end(catalog, "a", "one")
    catalog.request_cancel("a", now_ms=5)
    catalog.request_cancel("none", now_ms=5)
    assert found(catalog, "a").state is JobState.DONE


def test_jobs_of_a_deleted_repository_are_gone(catalog: Catalog) -> None:
    add(catalog, "a")
    add(catalog, "b", "other")
    claim(catalog, "one")
    catalog.delete_repositories(["repo", "other"], 1)
    assert catalog.job("a") is None
    assert update(catalog, "a", "one") is None
    assert claim(catalog, "two", TTL_MS) is None
    create(catalog, "repo", created_at_s=2_000_000_000)
    assert catalog.jobs("repo", "import") == []
