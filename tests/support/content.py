"""Bare repositories of real content, built once and kept in the temporary folder.

    small    everything Git's model allows, a few hundred objects
    medium   about 10,000 objects
    large    more than 40,000 objects, a pack of more than 20 MB

Built from the sources of the running Python's standard library by `git fast-import`: the same interpreter gives the
same object ids each time. (The pack's bytes may differ: Git looks for deltas in two threads.)
"""

import hashlib
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path

from tests.support import edits, fast_import, stdlib, story
from tests.support.fast_import import FastImport
from tests.support.git import GIT_ENV, git
from tests.support.story import Story


@dataclass(frozen=True, slots=True)
class Scale:
    """How much history: commits written, real files drawn upon, bytes of the one large blob."""

    name: str
    commits: int
    files: int
    large_blob_bytes: int
    seed: int = 1


SMALL = Scale("small", commits=40, files=40, large_blob_bytes=100_000)
MEDIUM = Scale("medium", commits=1_100, files=600, large_blob_bytes=1_000_000)
LARGE = Scale("large", commits=8_000, files=2_000, large_blob_bytes=10_000_000)


def cached_history(scale: Scale) -> Path:
    """A bare repository of this scale, which nobody may change: copy it, or clone it."""
    folder = _cache_folder()
    kept = folder / f"{scale.name}-{_fingerprint(scale)}.git"
    if not kept.exists():
        building = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
        build_history(building / "repo.git", scale)
        _move_unless_there(building / "repo.git", kept)
        shutil.rmtree(building)
    return kept


def build_history(path: Path, scale: Scale) -> Path:
    """Make a bare repository at `path`, packed into one pack, HEAD at main. Returns `path`."""
    git("init", "--quiet", "--bare", "--initial-branch=main", path)
    _import_story(path, scale)
    _add_what_fast_import_cannot(path)
    git("pack-refs", "--all", cwd=path)
    git("-c", "pack.threads=2", "repack", "-a", "-d", "-f", "-q", cwd=path)
    return path


def _import_story(path: Path, scale: Scale) -> None:
    command = ["git", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--done", "--date-format=raw"]
    with subprocess.Popen(command, cwd=path, env=GIT_ENV, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        teller = Story(
            FastImport(importer.stdin), seed=scale.seed, files=scale.files, large_blob_bytes=scale.large_blob_bytes
        )
        teller.tell(scale.commits)
    if importer.returncode:
        raise RuntimeError(f"git fast-import ended with status {importer.returncode}")


def _add_what_fast_import_cannot(path: Path) -> None:
    """Tags of a tag, a tree and a blob, and a commit with a header of many lines."""
    tip = git("rev-parse", "refs/heads/main", cwd=path).decode().strip()
    for name, target in {
        "of-tag": "refs/tags/v0.0.1",
        "of-tree": f"{tip}^{{tree}}",
        "of-blob": f"{tip}:greeting",
    }.items():
        git("tag", "-a", "-m", f"A tag {name}", name, target, cwd=path)
    head, message = git("cat-file", "commit", tip, cwd=path).split(b"\n\n", 1)
    signature = b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEzBAABCAAdFiEE\n =abcd\n -----END PGP SIGNATURE-----"
    signed = git("hash-object", "-t", "commit", "-w", "--stdin", cwd=path, stdin=head + signature + b"\n\n" + message)
    git("update-ref", "refs/heads/signed", signed.decode().strip(), cwd=path)


def _cache_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"packhouse-content-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RuntimeError(f"{folder}: belongs to somebody else")
    return folder


def _fingerprint(scale: Scale) -> str:
    """Changes with the parameters, the interpreter, Git and the scripts that build."""
    scripts = [inspect.getsource(module) for module in (edits, fast_import, stdlib, story, sys.modules[__name__])]
    parts = [repr(astuple(scale)), sys.version, git("--version").decode(), *scripts]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _move_unless_there(source: Path, destination: Path) -> None:
    """Somebody may have built the same in the meantime: theirs is as good."""
    try:
        source.rename(destination)
    except OSError:
        if not destination.exists():
            raise
