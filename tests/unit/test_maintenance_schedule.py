"""Maintenance by itself: what is due is done under the lease, what fails is spared, everything is seen once a day."""

from __future__ import annotations

from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled, CorruptPack
from packengine.maintenance import LeaseHeld, Maintainer, MaintenanceLease, Schedule
from packengine.maintenance import schedule as schedule_module
from packengine.repository import Engine, Limits
from packengine.repository.publish import now_ms
from tests.support.engines import Project, move, new_project, open_in_memory

MAIN = b"refs/heads/main"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path, limits=Limits(min_bitmap_objects=1))


def pushed(engine: Engine, name: str, count: int = 2) -> Project:
    """A repository with so many packs."""
    project = new_project(engine, name)
    tip: bytes | None = None
    for number in range(count):
        blob = project.objects.blob(f"{name} {number}".encode())
        tree = project.objects.tree({b"file": blob})
        commit = project.objects.commit(f"{number}", *([tip] if tip else []), tree=tree)
        assert project.push(move(MAIN, tip, commit), new=[blob, tree, commit]) == [None]
        tip = commit
    return project


def is_maintained(project: Project) -> bool:
    return Maintainer(project.engine.parts).plan(project.id, due_only=True).is_empty


def test_only_what_was_pushed_to_is_maintained(engine: Engine) -> None:
    one, two = pushed(engine, "repo-one"), pushed(engine, "repo-two")
    Schedule(engine.parts).maintain_due(["repo-one", "deleted-by-now"], Cancel())
    assert is_maintained(one)
    assert not is_maintained(two)


def test_no_lease_is_asked_for_where_nothing_is_due(engine: Engine) -> None:
    pushed(engine, "repo-one")
    Schedule(engine.parts).maintain_due(["repo-one"], Cancel())
    with MaintenanceLease(engine.catalog).hold(Cancel()):
        Schedule(engine.parts).maintain_due(["repo-one"], Cancel())


def test_what_is_due_waits_for_the_lease_of_another_process(engine: Engine) -> None:
    project = pushed(engine, "repo-one")
    with MaintenanceLease(engine.catalog).hold(Cancel()), pytest.raises(LeaseHeld):
        Schedule(engine.parts).maintain_due(["repo-one"], Cancel())
    assert not is_maintained(project)


def test_a_repository_that_fails_is_spared_and_the_others_are_maintained(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pushed(engine, "repo-bad")
    good = pushed(engine, "repo-good")
    maintained: list[str] = []
    real = Maintainer.maintain

    def maintain(self: Maintainer, repository_id: str, **rest: object) -> object:
        maintained.append(repository_id)
        if repository_id == "repo-bad":
            raise CorruptPack("damaged")
        return real(self, repository_id, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Maintainer, "maintain", maintain)
    schedule = Schedule(engine.parts)
    schedule.maintain_due(["repo-bad", "repo-good"], Cancel())
    schedule.maintain_due(["repo-bad", "repo-good"], Cancel())
    assert maintained == ["repo-bad", "repo-good"]
    assert is_maintained(good)
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == ["maintenance failed"]


def test_what_is_stopped_raises_and_is_done_next_time(engine: Engine) -> None:
    project, cancel = pushed(engine, "repo-one"), Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        Schedule(engine.parts).maintain_due(["repo-one"], cancel)
    with pytest.raises(Cancelled):
        Schedule(engine.parts).go_round(cancel)
    schedule = Schedule(engine.parts)
    assert schedule.is_round_due()
    schedule.maintain_due(["repo-one"], Cancel())
    assert is_maintained(project)


def test_one_process_goes_round_all_once_a_day(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    projects = [pushed(engine, f"repo-{number}") for number in range(3)]
    first, second = Schedule(engine.parts), Schedule(engine.parts)
    assert first.is_round_due()
    first.go_round(Cancel())
    assert all(is_maintained(project) for project in projects)
    assert not first.is_round_due()
    assert not second.is_round_due()
    late = pushed(engine, "repo-late")
    second.go_round(Cancel())
    assert not is_maintained(late)
    tomorrow = now_ms() + schedule_module.ROUND_EVERY_MS
    monkeypatch.setattr(schedule_module, "now_ms", lambda: tomorrow)
    assert second.is_round_due()
    second.go_round(Cancel())
    assert is_maintained(late)
