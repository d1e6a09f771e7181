"""Restorations beside pushes, by two processes at once: the values of each ref form one chain (design, law 6)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from packengine.repository import Engine
from tests.support.engines import Objects, Project, move, new_project
from tests.support.past import page, refs_of, restore

MAIN = b"refs/heads/main"
ROUNDS = 12


def push_until_it_wins(project: Project, name: bytes, at: str) -> bytes:
    """Onto whatever is there. Returns what the ref has then."""
    while True:
        old = project.refs.get(name)
        new = project.objects.commit(f"{name.decode()} {at}", *([old] if old is not None else []))
        sent = [new, project.objects.empty_tree]
        if project.push(move(name, old, new), new=sent) == [None]:
            return new


def test_no_value_is_lost_between_pushes_and_restorations(tmp_path: Path) -> None:
    with closing(Engine.open(tmp_path / "data")) as one, closing(Engine.open(tmp_path / "data")) as other:
        objects = Objects()
        project = new_project(one, objects=objects)
        push_until_it_wins(project, MAIN, "first")
        elsewhere = Project(other, "project", objects)
        wins: list[bytes] = []

        def push(seen_by: Project, name: bytes) -> None:
            wins.extend(push_until_it_wins(seen_by, name, str(at)) for at in range(ROUNDS))

        def go_back(seen_by: Project) -> None:
            for at in range(ROUNDS):
                publishes = page(seen_by).publishes
                past = publishes[at % (len(publishes) - 1)].state  # none before the first push: HEAD's branch stays
                restore(seen_by, past, [MAIN])

        jobs: list[Callable[[], None]] = [
            lambda: push(project, MAIN),
            lambda: push(elsewhere, MAIN),
            lambda: push(elsewhere, b"refs/heads/side"),
            lambda: go_back(project),
            lambda: go_back(elsewhere),
        ]
        with ThreadPoolExecutor(len(jobs)) as pool:
            for done in [pool.submit(job) for job in jobs]:
                done.result()

        told = page(project).publishes
        refs = refs_of(project, told[-1].state)
        for publish in reversed(told[:-1]):
            assert publish.moves, "a publish that moves nothing is none"
            for moved in publish.moves:
                assert refs.get(moved.name) == (moved.before and moved.before.oid)
                refs.update({moved.name: moved.after.oid} if moved.after is not None else {})
        assert refs == project.refs
        came = {move.after.oid for publish in told for move in publish.moves if move.after is not None}
        assert came >= set(wins)
        assert project.problems() == []
