"""Packs made by Git with every option go in; what is stored, its idx and its objects are Git's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from core_ext import IngestedPack, ObjectDb, index_pack
from tests.support.git import git, object_ids
from tests.support.ingests import open_ingest, take_in
from tests.support.packs import database, git_objects, open_pack, pack_path


@dataclass(frozen=True)
class Made:
    """How Git is told to make a pack of everything."""

    name: str
    settings: tuple[str, ...] = ()
    options: tuple[str, ...] = ("--delta-base-offset",)


CASES = [
    Made("as Git pushes"),
    Made("bases by id", options=()),
    Made("chains of 250", options=("--delta-base-offset", "--depth=250", "--window=100", "--no-reuse-delta")),
    Made("chains of 250 by id", options=("--depth=250", "--window=100", "--no-reuse-delta")),
    Made("stored, not compressed", ("core.compression=0", "pack.compression=0"), ("--no-reuse-object",)),
    Made("compressed hard", ("core.compression=9", "pack.compression=9"), ("--no-reuse-object",)),
    Made("no deltas", options=("--window=0", "--no-reuse-delta")),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def made(request: pytest.FixtureRequest, small_repo: Path) -> bytes:
    case: Made = request.param
    return made_pack(small_repo, case)


def made_pack(repository: Path, case: Made, *revisions: str) -> bytes:
    """A pack of what the revisions reach, or all refs."""
    settings = [argument for setting in case.settings for argument in ("-c", setting)]
    command = ("pack-objects", "--stdout", "--revs", "-q", *case.options, *(() if revisions else ("--all",)))
    return git(*settings, *command, cwd=repository, stdin="".join(f"{line}\n" for line in revisions).encode())


def as_git_stores_it(repository: Path, pack: bytes, folder: Path) -> tuple[bytes, bytes]:
    """(pack, idx) after git index-pack in a repository that borrows from another, completed if it is thin."""
    borrower = folder / "borrower.git"
    git("init", "--quiet", "--bare", borrower)
    (borrower / "objects/info/alternates").write_text(f"{repository / 'objects'}\n")
    git("index-pack", "--stdin", "--fix-thin", "--strict", cwd=borrower, stdin=pack)
    path = pack_path(borrower)
    return path.read_bytes(), path.with_suffix(".idx").read_bytes()


def assert_git_accepts(ingested: IngestedPack, folder: Path) -> dict[bytes, tuple[str, bytes]]:
    """git index-pack --strict and git verify-pack accept what is stored. Returns the objects that Git finds."""
    repository = folder / "accepting.git"
    git("init", "--quiet", "--bare", repository)
    path = repository / "objects/pack" / f"pack-{ingested.checksum.hex()}.pack"
    path.write_bytes(ingested.pack_bytes())
    git("index-pack", path, cwd=repository)
    assert path.with_suffix(".idx").read_bytes() == ingested.idx_bytes()
    git("verify-pack", path, cwd=repository)
    return {oid: (kind, content) for oid, kind, content in git_objects(repository)}


def our_objects(ingested: IngestedPack) -> dict[bytes, tuple[str, bytes]]:
    db = database([ingested.pack()])
    return {oid: db.read(oid) for oid in db.all_objects().oids(limit=1 << 30)}


@pytest.mark.parametrize("spill_bytes", [0, 1 << 30], ids=["in a file", "in memory"])
@pytest.mark.parametrize("chunk_bytes", [1, 4096, 1 << 30])
def test_a_pack_is_stored_as_it_came_and_indexed_as_git_does(
    made: bytes, small_repo: Path, tmp_path: Path, spill_bytes: int, chunk_bytes: int
) -> None:
    ingested = take_in(open_ingest(tmp_path / "x.pack", spill_bytes=spill_bytes), made, chunk_bytes=chunk_bytes)
    assert ingested.pack_bytes() == made
    assert ingested.digest == hashlib.sha256(made).digest()
    assert ingested.checksum == made[-20:]
    assert (ingested.size_bytes, ingested.thin_base_count) == (len(made), 0)
    assert ingested.idx_bytes() == as_git_stores_it(small_repo, made, tmp_path)[1]
    assert ingested.missing_edges(None, limit=10) == []


def test_every_object_is_what_git_reads(made: bytes, small_repo: Path, tmp_path: Path) -> None:
    ingested = take_in(open_ingest(tmp_path / "x.pack"), made)
    objects = our_objects(ingested)
    assert {oid.hex() for oid in objects} == object_ids(small_repo)
    assert objects == assert_git_accepts(ingested, tmp_path)


@pytest.fixture(scope="module")
def medium_halves(medium_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ObjectDb]:
    """(a commit in the middle of a history, a database of all that it reaches)."""
    commits = git("rev-list", "--topo-order", "main", cwd=medium_repo).decode().split()
    middle = commits[len(commits) // 2]
    folder = tmp_path_factory.mktemp("older")
    pack = made_pack(medium_repo, CASES[0], middle)
    ingested = take_in(open_ingest(folder / "older.pack", spill_bytes=1 << 30), pack)
    return middle, database([ingested.pack()])


@pytest.mark.parametrize("spill_bytes", [0, 1 << 30], ids=["in a file", "in memory"])
@pytest.mark.parametrize("options", [("--thin", "--delta-base-offset"), ("--thin",)], ids=["by offset", "by id"])
def test_a_thin_pack_is_completed_from_what_is_known(
    medium_repo: Path, medium_halves: tuple[str, ObjectDb], tmp_path: Path, options: tuple[str, ...], spill_bytes: int
) -> None:
    middle, known = medium_halves
    thin = made_pack(medium_repo, Made("thin", options=options), "main", f"^{middle}")
    announced = int.from_bytes(thin[8:12], "big")

    ingested = take_in(open_ingest(tmp_path / "x.pack", spill_bytes=spill_bytes), thin, known)

    assert ingested.thin_base_count > 0
    assert ingested.object_count == announced + ingested.thin_base_count
    stored = ingested.pack_bytes()
    assert stored[12 : len(thin) - 20] == thin[12:-20]
    assert ingested.digest == hashlib.sha256(stored).digest()
    assert ingested.missing_edges(known, limit=10) == []
    tip = bytes.fromhex(git("rev-parse", "main", cwd=medium_repo).decode().strip())
    assert ingested.unreferenced([tip], known) == 0
    objects = our_objects(ingested)
    assert objects == assert_git_accepts(ingested, tmp_path)
    git_stored, _ = as_git_stores_it(medium_repo, thin, tmp_path)
    assert int.from_bytes(git_stored[8:12], "big") == ingested.object_count


def test_a_thin_pack_is_completed_the_same_way_every_time(
    medium_repo: Path, medium_halves: tuple[str, ObjectDb], tmp_path: Path
) -> None:
    middle, known = medium_halves
    thin = made_pack(medium_repo, Made("thin", options=("--thin", "--delta-base-offset")), "main", f"^{middle}")
    digests = {
        take_in(open_ingest(tmp_path / f"{threads}.pack", threads=threads), thin, known).digest for threads in (1, 2, 3)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("base_cache_bytes", [0, 100_000, 1 << 26])
def test_neither_threads_nor_cache_change_the_outcome(
    medium_repo: Path, tmp_path: Path, threads: int, base_cache_bytes: int
) -> None:
    path = pack_path(medium_repo)
    ingest = open_ingest(tmp_path / "x.pack", threads=threads, base_cache_bytes=base_cache_bytes)
    assert take_in(ingest, path.read_bytes()).idx_bytes() == path.with_suffix(".idx").read_bytes()


def test_index_pack_writes_gits_idx(medium_repo: Path, tmp_path: Path) -> None:
    path = pack_path(medium_repo)
    idx_path = tmp_path / "x.idx"
    digest, trailer, count = index_pack(
        str(path),
        str(idx_path),
        object_format="sha1",
        threads=2,
        base_cache_bytes=1 << 20,
        max_resident_object_bytes=1 << 30,
    )
    data = path.read_bytes()
    assert (digest, trailer) == (hashlib.sha256(data).digest(), data[-20:])
    assert count == open_pack(medium_repo).object_count
    assert idx_path.read_bytes() == path.with_suffix(".idx").read_bytes()
    assert list(tmp_path.iterdir()) == [idx_path]


def test_an_empty_pack_and_an_empty_tree_go_in(tmp_path: Path) -> None:
    repository = tmp_path / "empty.git"
    git("init", "--quiet", "--bare", repository)
    nothing = git("pack-objects", "--stdout", "-q", cwd=repository)
    ingested = take_in(open_ingest(tmp_path / "none.pack", spill_bytes=1 << 20), nothing)
    assert (ingested.object_count, ingested.pack_bytes()) == (0, nothing)

    tree = git("hash-object", "-w", "-t", "tree", "--stdin", cwd=repository)
    pack = git("pack-objects", "--stdout", "-q", cwd=repository, stdin=tree)
    ingested = take_in(open_ingest(tmp_path / "tree.pack"), pack)
    assert ingested.object_count == 1
    assert database([ingested.pack()]).read(bytes.fromhex(tree.decode().strip())) == ("tree", b"")


@pytest.mark.parametrize("chunk_bytes", [100_000, 1 << 30])
def test_large_blobs_and_deltas_between_them_go_in(tmp_path: Path, chunk_bytes: int) -> None:
    work = tmp_path / "work"
    git("init", "--quiet", work)
    lines = [b"%d %s\n" % (number, hashlib.sha256(b"%d" % number).hexdigest().encode()) for number in range(80_000)]
    for change in range(3):
        lines[change * 1000] = b"changed\n"
        (work / "file").write_bytes(b"".join(lines))
        git("add", "file", cwd=work)
        git("commit", "--quiet", "-m", f"change {change}", cwd=work)
    pack = made_pack(work, CASES[0])
    ingested = take_in(open_ingest(tmp_path / "x.pack"), pack, chunk_bytes=chunk_bytes)
    assert ingested.idx_bytes() == as_git_stores_it(work / ".git", pack, tmp_path)[1]


@pytest.mark.parametrize("chunk_bytes", [1000, 1 << 30])
def test_a_blob_too_large_to_hold_is_hashed_as_it_passes(tmp_path: Path, chunk_bytes: int) -> None:
    repository = tmp_path / "large.git"
    git("init", "--quiet", "--bare", repository)
    content = b"".join(hashlib.sha256(b"%d" % number).hexdigest().encode() for number in range(40_000))
    oid = git("hash-object", "-w", "--stdin", cwd=repository, stdin=content)
    pack = git("pack-objects", "--stdout", "-q", "--window=0", cwd=repository, stdin=oid)
    ingest = open_ingest(tmp_path / "x.pack", max_resident_object_bytes=1 << 20)
    ingested = take_in(ingest, pack, chunk_bytes=chunk_bytes)
    assert database([ingested.pack()]).read(bytes.fromhex(oid.decode().strip())) == ("blob", content)
    assert_git_accepts(ingested, tmp_path)


@pytest.mark.parametrize("options", [("--delta-base-offset",), ()], ids=["by offset", "by id"])
def test_a_sha256_pack_goes_in(tmp_path: Path, options: tuple[str, ...]) -> None:
    work = tmp_path / "work"
    git("init", "--quiet", "--object-format=sha256", work)
    for number in range(20):
        (work / "file").write_text("".join(f"line {line * number}\n" for line in range(200)))
        git("add", "file", cwd=work)
        git("commit", "--quiet", "-m", f"change {number}", cwd=work)
    pack = made_pack(work, Made("sha256", options=options))
    ingested = take_in(open_ingest(tmp_path / "x.pack", object_format="sha256"), pack)
    assert ingested.checksum == pack[-32:]
    stored = work / ".git/objects/pack" / f"pack-{ingested.checksum.hex()}.pack"
    stored.write_bytes(pack)
    git("index-pack", stored, cwd=work)
    assert stored.with_suffix(".idx").read_bytes() == ingested.idx_bytes()
    assert ingested.missing_edges(None, limit=1) == []


def test_a_pack_of_version_3_goes_in_as_git_takes_it(small_repo: Path, tmp_path: Path) -> None:
    body = bytearray(made_pack(small_repo, CASES[0])[:-20])
    body[4:8] = (3).to_bytes(4, "big")
    pack = bytes(body) + hashlib.sha1(body, usedforsecurity=False).digest()
    ingested = take_in(open_ingest(tmp_path / "x.pack"), pack)
    assert ingested.idx_bytes() == as_git_stores_it(small_repo, pack, tmp_path)[1]
