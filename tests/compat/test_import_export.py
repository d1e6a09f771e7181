"""Import of every shape of repository that stock Git makes, and export of what stock Git then takes as its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core_ext import CoreError
from packengine.repository import Engine, ExportRefused, ImportRefused, Limits
from packengine.repository.progress import no_progress
from packengine.storage import FileBlobStore
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project
from tests.support.fakes import MemoryCatalog
from tests.support.git import git, object_ids, refs
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone, stored_files


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Real files, so that what is left behind shows; a catalog in memory, which is faster than one that syncs."""
    blobs = FileBlobStore(tmp_path / "data")
    derived = tmp_path / "data" / "derived"
    derived.mkdir()
    opened = Engine(MemoryCatalog(), blobs, blobs.quarantine, derived, Limits(tail_pack_bytes=2000))
    yield opened
    opened.close()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work tree with loose objects and refs only: two commits on main, a branch, a tag of each kind."""
    path = tmp_path / "work"
    git("init", "--quiet", "-b", "main", path)
    for number in range(2):
        commit_file(path, "file", b"text %d\n" % number * 200)
    git("branch", "side", "HEAD~1", cwd=path)
    git("tag", "light", cwd=path)
    git("tag", "-a", "-m", "annotated", "heavy", cwd=path)
    return path


def take_over(engine: Engine, path: Path) -> str:
    made = engine.import_repository(path, "imported", ACTOR, progress=no_progress)
    assert engine.verify_repository(made, progress=no_progress).problems == []
    assert engine.load(made).manifest.sealed
    return made


def round_trip(engine: Engine, path: Path, target: Path) -> Path:
    engine.export_repository(take_over(engine, path), target, progress=no_progress)
    return target


def assert_round_trip(engine: Engine, path: Path, target: Path) -> None:
    assert_same_repository(path, round_trip(engine, path, target))


# --- shapes that are taken over whole ---------------------------------------------------------------------------------


def test_a_bare_repository_with_everything_in_git_s_model(engine: Engine, small_repo: Path, tmp_path: Path) -> None:
    assert_round_trip(engine, small_repo, tmp_path / "out.git")


def test_a_work_tree_with_loose_objects_only(engine: Engine, work: Path, tmp_path: Path) -> None:
    assert not list((work / ".git" / "objects" / "pack").iterdir())
    assert_round_trip(engine, work, tmp_path / "out.git")


def test_the_git_folder_of_a_work_tree(engine: Engine, work: Path, tmp_path: Path) -> None:
    assert_round_trip(engine, work / ".git", tmp_path / "out.git")


def test_a_linked_work_tree(engine: Engine, work: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git("worktree", "add", "--quiet", linked, "side", cwd=work)
    assert (linked / ".git").is_file()
    out = round_trip(engine, linked, tmp_path / "out.git")
    assert refs(out) == refs(work) | {"HEAD": "refs/heads/side"}


def test_a_submodule_s_git_file(engine: Engine, work: Path, tmp_path: Path) -> None:
    git_dir = tmp_path / "elsewhere"
    (work / ".git").rename(git_dir)
    (work / ".git").write_text("gitdir: ../elsewhere\n")
    assert_round_trip(engine, work, tmp_path / "out.git")


def test_packed_and_loose_refs_and_objects_together(engine: Engine, work: Path, tmp_path: Path) -> None:
    git("gc", "--quiet", cwd=work)
    commit_file(work, "more", b"loose again\n")
    git("update-ref", "refs/heads/side", "HEAD", cwd=work)  # loose over packed
    assert (work / ".git" / "packed-refs").exists()
    assert_round_trip(engine, work, tmp_path / "out.git")


def test_objects_of_alternates_and_of_their_alternates(engine: Engine, work: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    git("clone", "--quiet", "--shared", work, first)
    commit_file(first, "first", b"in the first clone\n")
    git("clone", "--quiet", "--shared", first, second)
    commit_file(second, "second", b"in the second clone\n")
    assert_round_trip(engine, second, tmp_path / "out.git")


def test_an_alternate_that_is_named_by_a_relative_path(engine: Engine, work: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git("clone", "--quiet", "--bare", "--shared", work, bare)
    (bare / "objects" / "info" / "alternates").write_text("# a comment\n../../work/.git/objects\n")
    assert_round_trip(engine, bare, tmp_path / "out.git")


def test_a_sha256_repository(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "sha256"
    git("init", "--quiet", "-b", "main", "--object-format=sha256", path)
    commit_file(path, "file", b"text\n")
    git("tag", "-a", "-m", "annotated", "heavy", cwd=path)
    out = round_trip(engine, path, tmp_path / "out.git")
    assert_same_repository(path, out)
    assert git("rev-parse", "--show-object-format", cwd=out) == b"sha256\n"


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_an_empty_repository_comes_out_as_one_that_git_clones(
    engine: Engine, tmp_path: Path, object_format: str
) -> None:
    git("init", "--quiet", "-b", "trunk", f"--object-format={object_format}", "--bare", tmp_path / "empty.git")
    out = round_trip(engine, tmp_path / "empty.git", tmp_path / "out.git")
    assert git("rev-parse", "--show-object-format", cwd=out).decode().strip() == object_format
    git("clone", "--quiet", out, tmp_path / "clone")
    assert refs(tmp_path / "clone") == {"HEAD": "refs/heads/trunk"}


def test_a_detached_head_leaves_the_default_branch(engine: Engine, work: Path, tmp_path: Path) -> None:
    git("checkout", "--quiet", "--detach", cwd=work)
    take_over(engine, work)
    assert engine.load("imported").manifest.head == b"refs/heads/main"


def test_a_symbolic_ref_counts_with_the_value_it_leads_to(engine: Engine, work: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", work, clone)
    assert git("symbolic-ref", "refs/remotes/origin/HEAD", cwd=clone) == b"refs/remotes/origin/main\n"
    assert_round_trip(engine, clone, tmp_path / "out.git")


def test_a_symbolic_ref_that_leads_nowhere_is_left_out(engine: Engine, work: Path) -> None:
    git("symbolic-ref", "refs/heads/nowhere", "refs/heads/none-such", cwd=work)
    git("symbolic-ref", "refs/heads/loop", "refs/heads/loop", cwd=work)
    take_over(engine, work)
    names = {entry.name for entry in engine.load("imported").manifest.refs.scan()}
    assert names == {b"refs/heads/main", b"refs/heads/side", b"refs/tags/light", b"refs/tags/heavy"}


def test_a_lock_file_beside_a_ref_is_no_ref(engine: Engine, work: Path, tmp_path: Path) -> None:
    (work / ".git" / "refs" / "heads" / "side.lock").write_text("")
    out = round_trip(engine, work, tmp_path / "out.git")
    assert "refs/heads/side.lock" not in refs(out)


def test_what_no_ref_reaches_is_not_taken_over(engine: Engine, work: Path, tmp_path: Path) -> None:
    lost = git("hash-object", "-w", "--stdin", cwd=work, stdin=b"nobody refers to this").decode().strip()
    out = round_trip(engine, work, tmp_path / "out.git")
    assert lost not in git("cat-file", "--batch-all-objects", "--batch-check", cwd=out).decode()


def test_several_packs_are_taken_over_as_one(engine: Engine, small_repo: Path, tmp_path: Path) -> None:
    clone = mirror_clone(small_repo, tmp_path / "clone.git")
    git("repack", "-q", "-d", "--geometric=2", cwd=clone)
    commits = git("rev-list", "--all", "-n", "5", cwd=clone)
    git("pack-objects", "-q", "objects/pack/pack", cwd=clone, stdin=commits)
    assert len(list((clone / "objects" / "pack").glob("*.pack"))) > 1
    take_over(engine, clone)
    assert len(engine.load("imported").manifest.packs) == 1


# --- what is refused, and leaves nothing ------------------------------------------------------------------------------


def make_shallow(work: Path) -> None:
    git("fetch", "--quiet", "--depth=1", f"file://{work}", "main", cwd=work)


def make_reftable(work: Path) -> None:
    with (work / ".git" / "config").open("a") as config:
        config.write("[Extensions]\n\trefStorage = reftable\n")


def make_unknown_format(work: Path) -> None:
    with (work / ".git" / "config").open("a") as config:
        config.write("[extensions]\n\tobjectformat = md5\n")


def lose(work: Path, revision: str) -> None:
    oid = git("rev-parse", revision, cwd=work).decode().strip()
    path = work / ".git" / "objects" / oid[:2] / oid[2:]
    path.unlink()


def lose_what_a_tag_names(work: Path) -> None:
    lose(work, "main")
    for name in ("refs/heads/main", "refs/tags/light"):
        git("update-ref", "-d", name, cwd=work)


def write_tree(mode: bytes, revision: str) -> Callable[[Path], None]:
    """A branch whose commit has a tree with one entry, which may be of another kind than its mode says."""

    def write(work: Path) -> None:
        oid = bytes.fromhex(git("rev-parse", revision, cwd=work).decode())
        literally = ["hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
        tree = git(*literally, cwd=work, stdin=mode + b" name\0" + oid).decode().strip()
        tip = git("commit-tree", "-m", "odd", tree, cwd=work).decode()
        write_ref("refs/heads/odd", tip)(work)

    return write


def name_a_missing_alternate(work: Path) -> None:
    (work / ".git" / "objects" / "info" / "alternates").write_text("/none/such/objects\n")


def write_ref(name: str, text: str) -> Callable[[Path], None]:
    def write(work: Path) -> None:
        path = work / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def corrupt_a_loose_object(work: Path) -> None:
    oid = git("rev-parse", "HEAD^{tree}", cwd=work).decode().strip()
    path = work / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"\x78\x9cgarbage")


def name_an_invalid_ref(work: Path) -> None:
    tip = git("rev-parse", "HEAD", cwd=work).decode()
    write_ref("refs/heads/a..b", tip)(work)


def empty_the_git_file(work: Path) -> None:
    shutil.rmtree(work / ".git")
    (work / ".git").write_text("gitdir: none-such\n")


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "shallow": (make_shallow, "shallow clone.*unshallow"),
    "reftable": (make_reftable, "keeps its refs as reftable; run `git refs migrate"),
    "an unknown object format": (make_unknown_format, "object format 'md5' is not known"),
    "a missing blob": (lambda work: lose(work, "HEAD~1:file"), "is not whole"),
    "a missing tree": (lambda work: lose(work, "HEAD~1^{tree}"), "is not whole"),
    "a missing commit": (lambda work: lose(work, "side"), "refs/heads/side names [0-9a-f]{40}, which is missing"),
    "a missing target of a tag": (lose_what_a_tag_names, "is not whole: tag [0-9a-f]{40}: missing object"),
    "a tree that is called a file": (
        write_tree(b"100644", "HEAD^{tree}"),
        "is not whole: blob [0-9a-f]{40} is missing",
    ),
    "a file that is called a tree": (write_tree(b"40000", "HEAD:file"), "is not whole: tree [0-9a-f]{40} is missing"),
    "a missing alternate": (name_a_missing_alternate, "alternate /none/such/objects is not there"),
    "a ref that holds no id": (write_ref("refs/heads/bad", "garbage\n"), "'garbage', which is no object id"),
    "an empty ref": (write_ref("refs/heads/bad", ""), "an id of 0 bytes"),
    "a ref with a short id": (write_ref("refs/heads/bad", "1234\n"), "an id of 2 bytes"),
    "a ref to what is missing": (write_ref("refs/heads/bad", "1" * 40), "refs/heads/bad names 1{40}, which is missing"),
    "a packed ref without a name": (
        write_ref("packed-refs", "1" * 40 + "\n"),
        "packed-refs: the line b'1{40}' is no ref",
    ),
    "an invalid ref name": (name_an_invalid_ref, r"b'refs/heads/a\.\.b' is not a valid ref name"),
    "a damaged loose object": (corrupt_a_loose_object, "loose object"),
    "no repository": (lambda work: shutil.rmtree(work / ".git"), "is not a Git repository"),
    "a .git file that leads nowhere": (empty_the_git_file, "is not a Git repository"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_in_one_sentence_and_leaves_nothing(engine: Engine, work: Path, what: str) -> None:
    damage, sentence = REFUSED[what]
    damage(work)
    data_dir = work.parent / "data"
    before = stored_files(data_dir)
    with pytest.raises(ImportRefused, match=sentence) as caught:
        engine.import_repository(work, "imported", ACTOR, progress=no_progress)
    assert "\n" not in str(caught.value)
    assert stored_files(data_dir) == before
    assert engine.catalog.repository("imported") is None


def test_a_damaged_pack_is_refused_and_leaves_nothing(engine: Engine, small_repo: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.git"
    shutil.copytree(small_repo, damaged)
    (pack,) = (damaged / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    with pytest.raises(CoreError):
        engine.import_repository(damaged, "imported", ACTOR, progress=no_progress)
    assert stored_files(tmp_path / "data") == {}


# --- export -----------------------------------------------------------------------------------------------------------


def test_git_checks_the_idx_and_the_rev_of_an_export(engine: Engine, small_repo: Path, tmp_path: Path) -> None:
    out = round_trip(engine, small_repo, tmp_path / "out.git")
    (idx,) = (out / "objects" / "pack").glob("*.idx")
    listed = git("verify-pack", "-v", idx, cwd=out).decode()
    assert set(re.findall("^([0-9a-f]{40}) ", listed, re.MULTILINE)) == object_ids(out)
    oracle = tmp_path / "oracle.idx"
    git("index-pack", "--rev-index", "-o", oracle, idx.with_suffix(".pack"), cwd=out)
    assert oracle.read_bytes() == idx.read_bytes()
    assert oracle.with_suffix(".rev").read_bytes() == idx.with_suffix(".rev").read_bytes()
    git("fsck", "--strict", "--full", cwd=out)


def test_an_export_leaves_out_what_the_refs_do_not_reach(engine: Engine, work: Path, tmp_path: Path) -> None:
    project = Project(engine, take_over(engine, work))
    tag = project.refs[b"refs/tags/heavy"]
    project.pushed(b"refs/tags/heavy", tag, None)
    assert not project.manifest.sealed
    engine.export_repository("imported", tmp_path / "out.git", progress=no_progress)
    everything = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=tmp_path / "out.git")
    assert tag.hex().encode() not in everything.split()
    assert set(everything.decode().split()) == object_ids(tmp_path / "out.git")


def test_an_export_needs_a_folder_that_is_empty_or_not_there(engine: Engine, work: Path, tmp_path: Path) -> None:
    take_over(engine, work)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "keep").write_text("me")
    (tmp_path / "file").write_text("me")
    (tmp_path / "empty").mkdir()
    for target in ("full", "file"):
        with pytest.raises(ExportRefused, match="not an empty folder"):
            engine.export_repository("imported", tmp_path / target, progress=no_progress)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["keep"]
    assert (tmp_path / "file").read_text() == "me"
    engine.export_repository("imported", tmp_path / "empty", progress=no_progress)
    assert_same_repository(work, tmp_path / "empty")


def test_progress_names_its_phases_and_never_runs_backwards(engine: Engine, small_repo: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    def progress(phase: str, done: int, total: int | None) -> None:
        assert total is None or done <= total
        told.append((phase, done))

    engine.import_repository(small_repo, "imported", ACTOR, progress=progress)
    engine.export_repository("imported", tmp_path / "out.git", progress=progress)
    engine.verify_repository("imported", progress=progress)
    phases = list(dict.fromkeys(phase for phase, _ in told))
    assert phases == [
        "Counting objects",
        "Receiving objects",
        "Resolving deltas",
        "Storing",
        "Writing",
        "Indexing",
        "Checking packs",
        "Checking objects",
    ]
    for name in phases:
        counts = [done for phase, done in told if phase == name]
        assert counts == sorted(counts)
