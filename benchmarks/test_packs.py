"""Packs in and out, without HTTP: ours beside `git index-pack` and `git pack-objects`."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

from benchmarks.support.ingest import ingest_file
from benchmarks.support.versus import Versus
from core_ext import ObjectDb, Pack
from tests.support.child import child_command
from tests.support.git import git

MIB = 1 << 20


@pytest.fixture(scope="module")
def stored_pack(large_repo: Path) -> Path:
    """The one pack of the large repository: more than 40,000 objects, more than 20 MB."""
    (pack,) = (large_repo / "objects" / "pack").glob("*.pack")
    assert pack.stat().st_size > 20_000_000
    return pack


def test_pack_ingest(versus: Versus, stored_pack: Path, tmp_path: Path) -> None:
    """A received pack to a stored, checked and indexed one, synced: ours with fsck and edges, Git's without."""
    rival = tmp_path / "rival.git"
    git("init", "--quiet", "--bare", rival)
    numbers = itertools.count()

    def ours() -> None:
        ingest_file(stored_pack, tmp_path / f"{next(numbers)}.pack")

    def index_pack() -> None:
        with stored_pack.open("rb") as pack:
            subprocess.run(
                ["git", "index-pack", "--stdin", "--threads=2"], cwd=rival, stdin=pack, check=True, capture_output=True
            )
        for path in (rival / "objects" / "pack").iterdir():
            path.unlink()

    versus(ours, {"git index-pack": index_pack}, rounds=7)


def test_anonymous_memory_of_ingest_is_bounded(stored_pack: Path, tmp_path: Path) -> None:
    """In a process of its own, sampled while it works: what the pack takes beyond an idle process."""
    program = child_command("benchmarks.support.ingest", stored_pack, tmp_path / "x.pack")
    done = subprocess.run(program, check=True, capture_output=True, text=True)
    peak_bytes = int(done.stdout.split()[0])
    print(f"ingest of {stored_pack.stat().st_size / MIB:.0f} MiB: {peak_bytes / MIB:.1f} MiB anonymous")  # noqa: T201
    assert peak_bytes <= 128 * MIB


def test_pack_output(versus: Versus, large_repo: Path, stored_pack: Path) -> None:
    """Everything that the refs reach, found by a walk and written as a pack."""
    pack = Pack.open(str(stored_pack), str(stored_pack.with_suffix(".idx")), object_format="sha1")
    tips = sorted({bytes.fromhex(line) for line in git("rev-parse", "--all", cwd=large_repo).decode().split()})

    def ours() -> None:
        objects = ObjectDb(
            [pack], object_format="sha1", cache_bytes=16 * MIB, max_object_bytes=512 * MIB, max_delta_depth=4095
        )
        stream = objects.stream_pack(objects.reachable(tips), client_holds=None, ofs_delta=True)
        while stream.read(MIB):
            pass

    def pack_objects() -> None:
        # Without bitmaps on both sides: the walk is part of what is compared.
        command = ["git", "-c", "pack.useBitmaps=false", "pack-objects", "--all", "--revs", "--stdout", "--threads=2"]
        command += ["--delta-base-offset", "--quiet"]
        subprocess.run(command, cwd=large_repo, input=b"", check=True, stdout=subprocess.DEVNULL)

    versus(ours, {"git pack-objects": pack_objects}, rounds=5)
