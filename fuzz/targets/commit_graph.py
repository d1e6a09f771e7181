"""Any commit-graph beside a good pack is refused as a corrupt index, or every walk along it ends."""

from __future__ import annotations

from contextlib import suppress

from core_ext import CoreError, CorruptIndex, ObjectDb
from fuzz import world
from fuzz.mutators.commit_graph import mutate
from tests.support.graph_files import attach
from tests.support.packs import database

__all__ = ["check", "mutate"]

MAX_OBJECT_BYTES = 1 << 16


def check(graph: bytes) -> None:
    """Raises if reading a commit-graph breaks the rule."""
    pack = world.history_pack()
    try:
        attach(pack, graph)
    except CorruptIndex:
        assert not pack.has_graph
        return
    db = database([pack], max_object_bytes=MAX_OBJECT_BYTES)
    commits = list(world.history().parents)
    for tip in commits:
        walk_from(db, tip, commits)
    for tip in commits:
        parents = db.parents(tip)
        assert set(parents) <= set(commits)
        assert tip not in parents


def walk_from(db: ObjectDb, tip: bytes, commits: list[bytes]) -> None:
    """Each walk that asks for commits. What a row says may be wrong; no walk shows anything but commits of the pack."""
    others = commits[:2]
    for found in (
        db.walk_commits([tip], others, limit=99),
        db.merge_bases(tip, commits[-1]),
        db.depth_boundary([tip], 3)[0],
        db.age_boundary([tip], since_s=1, excluded=others)[0],
        db.reached_among([tip], others, shallow=commits[4:5]),
    ):
        assert set(found) <= set(commits)
    assert 1 <= db.count_commits([tip]) <= len(commits)
    db.all_reach([tip], others)
    db.is_ancestor(others[1], tip)
    with suppress(CoreError):  # a row may say that the commit has another tree
        db.select([tip], others)
        db.reachable([tip])
