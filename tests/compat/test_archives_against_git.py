"""Our archives beside those of `git archive`: the same files, with the same modes and times."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core_ext import Cancel
from packengine.repository import Engine
from packengine.repository.browsing.archives import Archive, plan_archive
from tests.support.browsing import make_browsed, take_over
from tests.support.git import git


@dataclass(frozen=True)
class Both:
    """A repository here, and as Git has it."""

    engine: Engine
    path: Path
    scratch: Path

    def archive(self, name: str, prefix: str | None = "") -> bytes:
        snapshot = self.engine.snapshot("both")
        plan = plan_archive(snapshot, name, prefix)
        made = Archive(snapshot, plan, check=lambda: None, cancel=Cancel(), scratch=self.scratch)
        return b"".join(iter(made.read, b""))


@pytest.fixture(params=["browsed", "small"])
def both(request: pytest.FixtureRequest, tmp_path: Path, small_repo: Path) -> Iterator[Both]:
    path = make_browsed(tmp_path / "browsed.git") if request.param == "browsed" else small_repo
    engine = Engine.open(tmp_path / "data")
    take_over(engine, path, "both")
    yield Both(engine, path, tmp_path)
    engine.close()


Members = dict[str, tuple[object, ...]]


def members_of_tar(data: bytes) -> Members:
    """By name: type, mode, time, owner, link and content; in no order, since ours has folders first."""
    found: Members = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            content = file.read() if file else None
            owner = (member.uid, member.gid, member.uname, member.gname)
            found[member.name] = (member.type, member.mode, member.mtime, owner, member.linkname, content)
        assert len(archive.getnames()) == len(found)
        found[""] = (archive.pax_headers["comment"],)
    return found


def members_of_zip(data: bytes) -> Members:
    """By name: whether it is a program or a link, and content. Git leaves out the other modes."""
    found: Members = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            special = mode & 0o170000 == 0o120000 or (not info.is_dir() and bool(mode & 0o111))
            found[info.filename] = (special, archive.read(info))
        found[""] = (archive.comment,)
    return found


@pytest.mark.parametrize(
    ("form", "members"), [("tar.gz", members_of_tar), ("zip", members_of_zip)], ids=["tar.gz", "zip"]
)
@pytest.mark.parametrize("prefix", ["", "some/where/"])
def test_archive_holds_what_git_archive_holds(
    both: Both, form: str, members: Callable[[bytes], Members], prefix: str
) -> None:
    for branch in git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=both.path).decode().split():
        theirs = git("archive", f"--format={form}", f"--prefix={prefix}", branch, cwd=both.path)
        assert members(both.archive(f"{branch}.{form}", prefix)) == members(theirs)


def test_the_systems_tar_unpacks_it_as_git_s(both: Both, tmp_path: Path) -> None:
    for name, data in (
        ("ours", both.archive("HEAD.tar.gz")),
        ("theirs", git("archive", "--format=tar.gz", "HEAD", cwd=both.path)),
    ):
        (tmp_path / name).mkdir()
        subprocess.run(["tar", "-xz", "-C", tmp_path / name], input=data, check=True)
    subprocess.run(["diff", "-r", "--no-dereference", tmp_path / "ours", tmp_path / "theirs"], check=True)
