"""Comparing repositories, and the everyday steps of end-to-end tests."""

from __future__ import annotations

from pathlib import Path

from tests.support.git import git, object_ids, refs


def assert_same_repository(left: Path, right: Path) -> None:
    """The same refs, the same reachable objects, and both clean to `git fsck --strict`."""
    assert refs(left) == refs(right)
    assert object_ids(left) == object_ids(right)
    for repository in (left, right):
        git("fsck", "--strict", "--full", cwd=repository)


def mirror_clone(remote: str | Path, path: Path, **config: str) -> Path:
    """`git clone --mirror`."""
    settings = [word for key, value in config.items() for word in ("-c", f"{key.replace('_', '.')}={value}")]
    git(*settings, "clone", "--quiet", "--mirror", str(remote), path)
    return path


def work_clone(remote: str | Path, path: Path) -> Path:
    """A clone with a work tree, and a name to commit under."""
    git("clone", "--quiet", str(remote), path)
    return path


def commit_file(work: Path, name: str, content: bytes, message: str = "Change a file") -> str:
    """Write one file and commit it. Returns the commit's id."""
    (work / name).parent.mkdir(parents=True, exist_ok=True)
    (work / name).write_bytes(content)
    git("add", "--", name, cwd=work)
    git("commit", "--quiet", "-m", message, cwd=work)
    return git("rev-parse", "HEAD", cwd=work).decode().strip()


def stored_files(data_dir: Path) -> dict[str, int]:
    """Blobs, derived files and quarantine by relative path, with their sizes: what a rejected push must not change."""
    return {
        str(path.relative_to(data_dir)): path.stat().st_size
        for folder in ("blobs", "derived", "quarantine")
        for path in sorted((data_dir / folder).rglob("*"))
        if path.is_file()
    }
