"""Maintenance as its users see it: by itself after a push, by hand while a server works, and as Git sees its files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from packengine.repository import Engine
from packengine.storage.ports import RowKind
from tests.support.git import GIT_ENV, git, object_ids
from tests.support.random_repository import build
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone
from tests.support.server import RunningServer

HANG_S = 60.0
"""Nothing here takes so long unless it is broken."""


def packhouse(data_dir: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "server.cli", *map(str, arguments), "--data-dir", str(data_dir)]
    return subprocess.run(command, env=GIT_ENV, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Look again and again: what is waited for is another process's work."""
    never = threading.Event()
    for _ in range(int(HANG_S / 0.05)):
        if is_so():
            return
        never.wait(0.05)
    pytest.fail(f"{what}: not within {HANG_S:g} s")


def derived(data_dir: Path, suffix: str) -> list[Path]:
    return sorted((data_dir / "derived").glob(f"*.{suffix}"))


def is_mapped(pid: int, path: Path) -> bool:
    return str(path) in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")


def test_a_push_is_followed_by_bitmaps_that_every_worker_uses(medium_repo: Path, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        remote = server.create_repository("real")["remote"]
        first = mirror_clone(remote, tmp_path / "first")
        git("push", "--quiet", "--mirror", remote, cwd=medium_repo)
        wait_until(lambda: derived(server.data_dir, "bitmap"), "a bitmap")
        (bitmap,) = derived(server.data_dir, "bitmap")

        def all_workers_use_it() -> bool:
            git("fetch", "--quiet", "--depth=1", remote, "HEAD", cwd=first)
            return all(is_mapped(pid, bitmap) for pid in server.worker_pids())

        wait_until(all_workers_use_it, "a bitmap in every worker")
        assert_same_repository(medium_repo, mirror_clone(remote, tmp_path / "clone"))
        assert "maintained" in server.log
        assert "maintenance failed" not in server.log


def test_a_server_with_a_low_threshold_maintains_small_repositories(small_repo: Path, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", arguments=["--min-bitmap-objects", "10"]) as server:
        remote = server.create_repository()["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=small_repo)
        wait_until(lambda: derived(server.data_dir, "bitmap"), "a bitmap")
        assert_same_repository(small_repo, mirror_clone(remote, tmp_path / "clone"))


def low_threshold(folder: Path) -> Path:
    """Settings by which small packs get derived files as well."""
    config = folder / "packhouse.toml"
    config.write_text("min_bitmap_objects = 10\n", encoding="utf-8")
    return config


def commits(work: Path, count: int) -> Iterator[str]:
    for number in range(count):
        yield commit_file(work, f"folder-{number % 3}/file-{number % 5}", b"line\n" * number + b"%d\n" % number)


def test_a_server_serves_clones_and_pushes_while_it_is_maintained(tmp_path: Path, small_repo: Path) -> None:
    options = ["--maintenance", "off", "--min-bitmap-objects", "10"]
    config = low_threshold(tmp_path)
    with RunningServer(tmp_path / "data", arguments=options) as server:
        remote = server.create_repository("busy")["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=small_repo)
        work = tmp_path / "work"
        git("clone", "--quiet", remote, work)
        failures: list[BaseException] = []

        def push() -> None:
            try:
                for number, _ in enumerate(commits(work, 8)):
                    git("push", "--quiet", remote, "HEAD:refs/heads/busy", cwd=work)
                    mirror_clone(remote, tmp_path / f"clone{number}", fetch_fsckObjects="true")
            except BaseException as error:  # noqa: BLE001  # raised by the test itself
                failures.append(error)

        pusher = threading.Thread(target=push)
        pusher.start()
        rounds = 0
        while pusher.is_alive() or not rounds:
            preview = packhouse(server.data_dir, "maintain", "busy", "--preview", "--config", config)
            done = packhouse(server.data_dir, "maintain", "busy", "--config", config)
            assert (preview.returncode, done.returncode) == (0, 0), preview.stderr + done.stderr
            rounds += 1
        pusher.join()
        assert failures == []
        clone = mirror_clone(remote, tmp_path / "last")
        assert object_ids(work) <= object_ids(clone)
        git("fsck", "--strict", cwd=clone)
        tip = git("rev-parse", "HEAD", cwd=work)
        assert git("rev-parse", "refs/heads/busy", cwd=clone) == tip
    engine = Engine.open(server.data_dir)
    assert engine.verify_repository("busy", progress=lambda *_: None).problems == []
    assert engine.load("busy").manifest.sealed
    engine.close()


def test_an_import_ends_with_its_derived_files(medium_repo: Path, tmp_path: Path) -> None:
    done = packhouse(tmp_path / "data", "import", medium_repo, "--id", "real")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "real\n"
    phases = [line.partition(":")[0] for line in done.stderr.splitlines()]
    assert phases[-3:] == ["Writing reverse index", "Writing commit-graph", "Writing bitmaps"]
    assert [len(derived(tmp_path / "data", suffix)) for suffix in ("idx", "rev", "graph", "bitmap")] == [1, 1, 1, 1]


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_git_takes_our_pack_with_all_our_derived_files(
    tmp_path: Path, object_format: Literal["sha1", "sha256"]
) -> None:
    source, target = build(tmp_path / "source", seed=1, object_format=object_format), tmp_path / "target"
    done = packhouse(tmp_path / "data", "import", source, "--id", "real", "--config", low_threshold(tmp_path))
    assert done.returncode == 0, done.stderr
    git("init", "--quiet", "--bare", f"--object-format={object_format}", target)
    copy_pack(tmp_path / "data", target / "objects")
    refs = git("for-each-ref", "--format=create %(refname) %(objectname)", cwd=source)
    git("update-ref", "--stdin", cwd=target, stdin=refs)
    git("fsck", "--strict", "--full", cwd=target)
    git("commit-graph", "verify", cwd=target)
    git("rev-list", "--test-bitmap", git("rev-parse", "line0", cwd=source).decode().strip(), cwd=target)
    counted = git("rev-list", "--count", "--objects", "--all", "--use-bitmap-index", cwd=target)
    assert counted == git("rev-list", "--count", "--objects", "--all", cwd=target)
    assert object_ids(mirror_clone(target, tmp_path / "clone")) == object_ids(source)


def copy_pack(data_dir: Path, objects: Path) -> None:
    """The only pack of `real` and its derived files, under the names that Git gives them."""
    engine = Engine.open(data_dir)
    state = engine.load("real")
    (record,) = state.manifest.packs
    pack = engine.parts.shelf.open(record, state.manifest.object_format)
    stem = objects / "pack" / f"pack-{pack.checksum.hex()}"
    stem.with_suffix(".pack").write_bytes(engine.catalog.row(RowKind.PACK, record.digest))
    stem.with_suffix(".idx").write_bytes(pack.idx_bytes())
    (objects / "info").mkdir(exist_ok=True)
    targets = {"rev": stem.with_suffix(".rev"), "bitmap": stem.with_suffix(".bitmap")}
    for suffix, target in {**targets, "graph": objects / "info" / "commit-graph"}.items():
        shutil.copy(data_dir / "derived" / f"{record.digest.hex()}.{suffix}", target)
    engine.close()
