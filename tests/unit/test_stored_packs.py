"""Stored packs as parts of an answer: each holds nothing but what is sent, and may be had as long as that is so."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from core_ext import Cancel, ObjectDb
from packengine.repository import Engine, Limits, StoredPack
from packengine.repository.bundles import MAX_URI_PACKS
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Clock, Project, fork_of, move, new_project, open_in_memory
from tests.support.git import git
from tests.support.raw_packs import COMMIT, REF_DELTA, TREE, copy, delta, entry, pack_of

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
LIMITS = Limits(min_uri_pack_bytes=1, tail_pack_bytes=2000)
SMALL, LARGE = 500, 10_000
NOISE = random.Random(11)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path / "engine", limits=LIMITS)


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


def grow(project: Project, name: bytes, size_bytes: int, *parents: bytes) -> bytes:
    """A commit of one file of about that many bytes in the pack, pushed to a ref. Returns its id."""
    objects = project.objects
    blob = objects.blob(NOISE.randbytes(size_bytes))
    tree = objects.tree({b"file": blob})
    commit = objects.commit("grow", *parents, tree=tree)
    project.pushed(name, project.refs.get(name), commit, blob, tree, commit)
    return commit


def database(project: Project) -> ObjectDb:
    return project.engine._loader.objects(project.manifest)


def split(project: Project, *wants: bytes) -> tuple[list[StoredPack], set[bytes], set[bytes]]:
    """(packs, ids beside them, all ids) of an answer to somebody who has nothing."""
    objects = database(project)
    answer = objects.reachable(list(wants))
    packs, rest = project.engine.bundles.split(project.engine.load(project.id), objects, answer)
    return packs, set(rest.oids(limit=10_000)), set(answer.oids(limit=10_000))


def bytes_of(project: Project, pack: StoredPack) -> bytes | None:
    file = project.engine.bundles.open_pack(project.engine.load(project.id), pack.digest)
    if file is None:
        return None
    with file:
        return file.read()


def stored_pack(project: Project, place: int = 0) -> StoredPack:
    record = project.manifest.packs[place]
    return StoredPack(record.digest, project.engine.bundles._shelf.open(record, "sha1").checksum)


def test_packs_and_the_rest_make_the_answer_each_object_once(project: Project, tmp_path: Path) -> None:
    first = grow(project, MAIN, LARGE)
    tip = grow(project, MAIN, SMALL, first)
    packs, rest, answer = split(project, tip)

    assert [pack.digest for pack in packs] == [project.manifest.packs[-1].digest]
    data = bytes_of(project, packs[0])
    assert data is not None
    assert hashlib.sha256(data).digest() == packs[0].digest
    git("init", "--quiet", "--bare", tmp_path / "client.git")
    name = git("index-pack", "--strict", "--stdin", cwd=tmp_path / "client.git", stdin=data).split()[-1]
    assert name.decode() == packs[0].checksum.hex()
    lines = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=tmp_path / "client.git").split()
    held = {bytes.fromhex(line.decode()) for line in lines}
    assert held | rest == answer
    assert not held & rest


def test_a_pack_that_holds_more_than_the_answer_is_not_offered(project: Project) -> None:
    base = grow(project, MAIN, LARGE)
    grow(project, SIDE, LARGE, base)
    packs, rest, answer = split(project, base)
    assert [pack.digest for pack in packs] == [project.manifest.packs[-1].digest]
    assert rest == set()
    assert len(answer) == 3


def test_rows_and_small_packs_are_not_offered(tmp_path: Path) -> None:
    for number, limits in enumerate((LIMITS, Limits(min_uri_pack_bytes=20_000, tail_pack_bytes=100))):
        project = new_project(open_in_memory(tmp_path / f"{number}", limits=limits))
        packs, rest, answer = split(project, grow(project, MAIN, 1000))
        assert packs == []
        assert rest == answer


def test_the_largest_packs_come_first_and_so_many_at_most(project: Project) -> None:
    tips = [grow(project, b"refs/heads/b%d" % number, LARGE + 100 * number) for number in range(MAX_URI_PACKS + 3)]
    packs, rest, _ = split(project, *tips)
    assert [pack.digest for pack in packs] == [pack.digest for pack in project.manifest.packs[:MAX_URI_PACKS]]
    assert len(rest) == 3 * 3


def test_a_repository_of_sha256_offers_none(engine: Engine) -> None:
    engine.create_repository("modern", ACTOR, object_format="sha256")
    state = engine.load("modern")
    objects = engine._loader.objects(state.manifest)
    assert engine.bundles.split(state, objects, objects.all_objects())[0] == []


def test_what_fits_the_answer_is_offered_whether_all_is_sealed_or_not(project: Project) -> None:
    base = grow(project, MAIN, LARGE)
    grow(project, SIDE, LARGE, base)
    grow(project, SIDE, LARGE, base)  # by force
    assert not project.manifest.sealed
    packs, _, _ = split(project, project.refs[SIDE])
    assert {pack.digest for pack in packs} == {project.manifest.packs[place].digest for place in (0, 2)}
    assert all(bytes_of(project, pack) is not None for pack in packs)


def test_a_pack_goes_when_the_grace_of_what_it_holds_is_over(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    project = new_project(engine)
    base = grow(project, MAIN, LARGE)
    grow(project, SIDE, LARGE, base)
    dropped = stored_pack(project)
    grow(project, SIDE, LARGE, base)
    assert bytes_of(project, dropped) is not None
    clock.now_ms += LIMITS.want_grace_ms + 1
    assert bytes_of(project, dropped) is None


def test_a_fork_never_hands_out_what_only_its_source_may_show(project: Project) -> None:
    base = grow(project, MAIN, LARGE)
    dropped = grow(project, SIDE, LARGE, base)
    pack = stored_pack(project)
    project.pushed(SIDE, dropped, None)
    fork = fork_of(project, "fork")
    later = grow(project, SIDE, LARGE, base)
    assert later in project.refs.values()
    assert bytes_of(fork, pack) is None
    assert bytes_of(fork, stored_pack(project)) is None
    assert bytes_of(fork, stored_pack(fork, -1)) is not None


def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Clock, Project, list[StoredPack]]:
    """A repository whose packs were just merged, and the packs from before."""
    clock = Clock(monkeypatch)
    monkeypatch.setattr("packengine.repository.replaced.now_ms", lambda: clock.now_ms)
    limits = Limits(min_uri_pack_bytes=1, tail_pack_bytes=2000, rollup_packs=2)
    project = new_project(open_in_memory(tmp_path / "merged", limits=limits))
    first = grow(project, MAIN, LARGE)
    grow(project, MAIN, LARGE, first)
    before = [stored_pack(project, place) for place in (0, 1)]
    clock.now_ms += 1000
    assert project.engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
    assert len(project.manifest.packs) == 1
    return clock, project, before


def test_a_pack_that_was_merged_can_be_had_for_the_grace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client was told of it, and is on its way."""
    clock, project, before = merged(tmp_path, monkeypatch)
    grow(project, MAIN, LARGE, project.refs[MAIN])
    clock.now_ms += LIMITS.collection_grace_s * 1000 - 2000
    assert [bytes_of(project, pack) is None for pack in before] == [False, False]
    clock.now_ms += 4000
    grow(project, MAIN, LARGE, project.refs[MAIN])
    assert [bytes_of(project, pack) is None for pack in before] == [True, True]


def test_a_pack_that_was_merged_cannot_be_had_once_the_refs_do_not_reach_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, project, before = merged(tmp_path, monkeypatch)
    grow(project, MAIN, LARGE)  # by force
    assert [bytes_of(project, pack) is None for pack in before] == [False, False]
    clock.now_ms += LIMITS.want_grace_ms + 1
    assert [bytes_of(project, pack) is None for pack in before] == [True, True]


def test_a_pack_that_was_merged_before_a_fork_is_not_the_forks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, project, before = merged(tmp_path, monkeypatch)
    fork = fork_of(project, "fork")
    assert [bytes_of(fork, pack) for pack in before] == [None, None]


def test_an_unknown_pack_and_one_in_a_row_cannot_be_had(project: Project) -> None:
    grow(project, MAIN, SMALL)
    assert bytes_of(project, stored_pack(project)) is None
    assert bytes_of(project, StoredPack(bytes(32), bytes(20))) is None


def test_what_is_sent_beside_packs_is_no_delta_against_them(tmp_path: Path) -> None:
    """A client indexes the inline pack before it has the others."""
    project = new_project(open_in_memory(tmp_path / "engine", limits=Limits(min_uri_pack_bytes=2 * LARGE)))
    objects = project.objects
    text = NOISE.randbytes(LARGE)
    first_blob, second_blob = objects.blob(text), objects.blob(text + b"more")
    ballast = objects.blob(NOISE.randbytes(300_000))
    first_tree = objects.tree({b"ballast": ballast, b"file": first_blob})
    second_tree = objects.tree({b"file": second_blob})
    first = objects.commit("first", tree=first_tree)
    second = objects.commit("second", first, tree=second_tree)
    project.pushed(MAIN, None, first, ballast, first_blob, first_tree, first)
    against_first = delta(len(text), len(text) + 4, copy(0, len(text)), b"\x04more")
    thin = [
        entry(REF_DELTA, against_first, base=first_blob),
        entry(TREE, objects.content(second_tree)),
        entry(COMMIT, objects.content(second)),
    ]
    assert project.push(move(MAIN, first, second), pack=pack_of(thin)) == [None]

    packs, rest, answer = split(project, second)
    assert answer - rest == {first, first_tree, first_blob, ballast}
    assert packs == [stored_pack(project, -1)]
    db = database(project)
    chosen = project.engine.bundles.split(project.engine.load(project.id), db, db.reachable([second]))[1]
    stream = db.stream_pack(chosen, client_holds=None, ofs_delta=True, cancel=Cancel())
    sent = b"".join(iter(lambda: stream.read(1 << 20), b""))
    git("init", "--quiet", "--bare", tmp_path / "client.git")
    git("index-pack", "--stdin", cwd=tmp_path / "client.git", stdin=sent)
