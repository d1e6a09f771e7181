"""`packhouse maintain`: what it prints, what it does, and how it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from core_ext import Cancel, Cancelled, CorruptPack
from packengine.maintenance import Maintainer, MaintenanceLease, MaintenancePlan
from packengine.repository import Engine, Limits
from server.cli import main
from server.cli.interruptible import INTERRUPTED, interruptible
from tests.support.engines import Project, move, new_project

MAIN = b"refs/heads/main"
OWN = Limits(min_bitmap_objects=1)
CONFIG = "min_bitmap_objects = 1\n"

Run = Callable[..., Result]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def engine(data_dir: Path) -> Iterator[Engine]:
    engine = Engine.open(data_dir, limits=OWN)
    yield engine
    engine.close()


@pytest.fixture
def project(engine: Engine) -> Project:
    """Three packs of three objects each."""
    project = new_project(engine, "three")
    tip: bytes | None = None
    for number in range(3):
        blob = project.objects.blob(b"%d" % number)
        tree = project.objects.tree({b"file": blob})
        commit = project.objects.commit(f"{number}", *([tip] if tip else []), tree=tree)
        assert project.push(move(MAIN, tip, commit), new=[blob, tree, commit]) == [None]
        tip = commit
    return project


@pytest.fixture
def run(tmp_path: Path, data_dir: Path) -> Run:
    config = tmp_path / "packhouse.toml"
    config.write_text(CONFIG, encoding="utf-8")

    def invoke(*arguments: str) -> Result:
        options = ["--data-dir", str(data_dir), "--config", str(config)]
        return CliRunner().invoke(main, ["maintain", *arguments, *options])

    return invoke


def test_a_preview_says_what_would_be_done_and_does_nothing(run: Run, project: Project) -> None:
    before = project.manifest
    result = run("three", "--preview")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("three: 3 packs, 9 objects:\n  merge 3 packs of 9 objects, ")
    assert project.manifest == before
    told = json.loads(run("three", "--preview", "--json").stdout)
    (plan,) = told["repositories"]
    assert told["collection"] is None
    assert plan["merges"][0]["packs"] == 3
    assert (plan["id"], plan["packs"], plan["objects"], plan["derived"]) == ("three", 3, 9, [])


def test_it_merges_and_says_so(run: Run, project: Project) -> None:
    result = run("three")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("three: 1 pack, 3 packs merged, 3 files written, ")
    assert "Merging packs: 9\n" in result.stderr
    assert len(project.manifest.packs) == 1
    assert project.problems() == []
    assert run("three").stdout.startswith("three: 1 pack, nothing to do, ")
    assert run("three", "--preview").stdout.startswith("three: 1 pack, 9 objects, nothing to do")


def test_programs_are_told_in_json(run: Run, project: Project) -> None:
    result = run("three", "--json")
    (report,) = json.loads(result.stdout)["repositories"]
    assert result.stderr == ""
    assert report.pop("durationMs") > 0
    assert report == {
        "id": project.id,
        "packsBefore": 3,
        "packsAfter": 1,
        "mergedPacks": 3,
        "mergedObjects": 9,
        "derivedFiles": 3,
    }


def test_all_means_every_repository(run: Run, project: Project) -> None:
    new_project(project.engine, "empty")
    reports = json.loads(run("--all", "--json").stdout)["repositories"]
    assert {report["id"]: report["packsAfter"] for report in reports} == {"three": 1, "empty": 0}


def test_of_all_only_those_are_told_where_there_is_something_to_do(run: Run, project: Project) -> None:
    new_project(project.engine, "empty")
    *_, plan, merge, counted = run("--all", "--preview", "--no-collect").stdout.splitlines()
    assert (plan, counted) == ("three: 3 packs, 9 objects:", "2 repositories, 1 to be maintained")
    assert merge.startswith("  merge 3 packs ")
    told, counted = run("--all", "--no-collect").stdout.splitlines()
    assert told.startswith("three: 1 pack, 3 packs merged, ")
    assert counted == "2 repositories, 1 maintained"
    assert run("--all", "--no-collect").stdout == "2 repositories, 0 maintained\n"


def test_garbage_is_collected_with_all_unless_it_is_said_otherwise(run: Run, project: Project) -> None:
    merged = len(project.manifest.packs)
    for arguments in [("three",), ("--all", "--no-collect")]:
        assert "collected: " not in run(*arguments).stdout
    for arguments in [("three", "--collect"), ("--all",)]:
        lines = run(*arguments).stdout.splitlines()
        assert lines[0].startswith("collected: 0 objects left out of 0 repositories, ")
        assert lines[1].startswith(("three: 1 pack, nothing to do, ", "1 repository, 0 maintained"))
    previewed = json.loads(run("--all", "--preview", "--json").stdout)
    assert previewed["collection"]["unnamedRows"] >= merged
    assert "unnamed: " in run("--all", "--preview").stdout
    assert project.problems() == []


@pytest.mark.parametrize("arguments", [(), ("three", "--all")])
def test_either_repositories_are_named_or_all(run: Run, project: Project, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, project.engine.load(project.id).pointer.version) == (2, 4)
    assert "name repositories, or give --all" in result.stderr


def test_an_unknown_repository_is_told_before_anything_is_done(run: Run, project: Project) -> None:
    result = run("three", "missing")
    assert (result.exit_code, result.stderr) == (1, "Error: no repository missing\n")
    assert len(project.manifest.packs) == 3


def test_while_another_process_maintains_it_says_who_and_ends_with_4(run: Run, project: Project) -> None:
    with MaintenanceLease(project.engine.catalog).hold(Cancel()):
        result = run("three")
    assert result.exit_code == 4
    assert result.stderr.startswith(f"Error: maintenance is under way in process {os.getpid()} on ")
    assert len(project.manifest.packs) == 3
    assert run("three").exit_code == 0


def test_a_repository_that_cannot_be_maintained_does_not_keep_the_others_from_it(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_project(project.engine, "damaged")
    real = Maintainer.plan

    def plan(self: Maintainer, repository_id: str, **rest: bool) -> MaintenancePlan:
        if repository_id == "damaged":
            raise CorruptPack("not a pack")
        return real(self, repository_id, **rest)

    monkeypatch.setattr(Maintainer, "plan", plan)
    result = run("--all", "--no-collect")
    assert (result.exit_code, "damaged: not a pack\n" in result.stderr) == (1, True)
    assert result.stdout.startswith("three: 1 pack, 3 packs merged")


def test_a_preview_needs_no_lease(run: Run, project: Project) -> None:
    with MaintenanceLease(project.engine.catalog).hold(Cancel()):
        assert run(project.id, "--preview").exit_code == 0


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=lambda signum: signum.name)
def test_a_signal_stops_the_work_and_its_end_is_waited_for(
    signum: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before, ended = signal.getsignal(signum), list[bool]()

    def work(cancel: Cancel) -> None:
        os.kill(os.getpid(), signum)
        while not cancel.is_set():
            os.sched_yield()
        ended.append(True)
        raise Cancelled("told to stop")

    with pytest.raises(click.exceptions.Exit) as exit_info:
        interruptible(work)
    assert exit_info.value.exit_code == INTERRUPTED
    assert ended == [True]
    assert capsys.readouterr().err == "stopping; what is finished stays\n"
    assert signal.getsignal(signum) == before


def test_work_that_nobody_interrupts_gives_its_result() -> None:
    assert interruptible(lambda _: 7) == 7
