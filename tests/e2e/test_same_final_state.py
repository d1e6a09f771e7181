"""Random lives of a clone: the same commands at us and at stock Git leave the same refs, boundary and objects.

Without tags, which a client follows if it happens to hold what they tag. Boundaries by time and by exclusion are
another matter: there Git's clone may be one that can never be unshallowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.support import random_repository
from tests.support.git import git, git_result, object_ids, refs
from tests.support.server import RunningServer

LIVES = 24
STEPS = 5
_FILTERS = ("blob:none", "tree:0", "blob:limit=600", "tree:2")


@dataclass(frozen=True, slots=True)
class Upstreams:
    """One repository twice: as a folder for stock Git, and pushed to us."""

    folder: Path
    ours: str

    def advance(self, random: Random, number: int) -> None:
        """One more commit, the same at both."""
        tip = git("rev-parse", "line0", cwd=self.folder).decode().strip()
        blob = git("hash-object", "-w", "--stdin", cwd=self.folder, stdin=b"more %d\n" % number).decode().strip()
        tree = git("mktree", cwd=self.folder, stdin=f"100644 blob {blob}\tnew\n".encode()).decode().strip()
        parents = ["-p", tip]
        if random.random() < 0.4:
            parents += ["-p", git("rev-parse", f"line{random.randrange(1, 5)}", cwd=self.folder).decode().strip()]
        date = {"GIT_COMMITTER_DATE": f"{random_repository.START_S + 1000 + number} +0000"}  # behind, it misleads Git
        commit = git("commit-tree", "-m", f"more {number}", *parents, tree, cwd=self.folder, env=date).decode().strip()
        git("update-ref", "refs/heads/line0", commit, cwd=self.folder)
        git("push", "--quiet", self.ours, "refs/heads/line0", cwd=self.folder)


@pytest.fixture
def upstreams(server: RunningServer, tmp_path: Path, request: pytest.FixtureRequest) -> Upstreams:
    """Both, filled with the same history."""
    folder = random_repository.build(tmp_path / "upstream.git", seed=request.node.callspec.params["seed"] % 6)
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git("config", key, "true", cwd=folder)
    ours = str(server.create_repository()["remote"])
    git("push", "--quiet", "--mirror", ours, cwd=folder)
    return Upstreams(folder, ours)


def clone_words(random: Random) -> list[str]:
    choice = random.randrange(4)
    words = {
        0: [f"--depth={random.randint(1, 9)}"],
        1: [f"--depth={random.randint(1, 4)}", "--no-single-branch"],
        2: [f"--filter={random.choice(_FILTERS)}"],
        3: [f"--filter={random.choice(_FILTERS)}", f"--depth={random.randint(2, 9)}"],
    }[choice]
    return ["clone", "--quiet", "--no-checkout", "--no-tags", *words]


def fetch_words(random: Random) -> list[str]:
    more = random.choice(
        [
            [],
            [f"--depth={random.randint(1, 12)}"],
            [f"--deepen={random.randint(1, 4)}"],
            ["--unshallow"],
            ["origin", f"refs/heads/line{random.randrange(5)}"],
        ]
    )
    return ["fetch", "--quiet", *more]


def state(clone: Path) -> tuple[object, ...]:
    """Its refs, where its history ends, and what they reach; of a partial clone not the last, which depends on luck."""
    boundary = clone / ".git" / "shallow"
    shallow = sorted(boundary.read_text().split()) if boundary.exists() else []
    return refs(clone), shallow, set() if is_partial(clone) else object_ids(clone)


def is_partial(clone: Path) -> bool:
    return git_result("config", "remote.origin.promisor", cwd=clone).returncode == 0


def is_missing(clone: Path, oid: str) -> bool:
    return git_result("cat-file", "-e", oid, cwd=clone, env={"GIT_NO_LAZY_FETCH": "1"}).returncode != 0


@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("seed", range(LIVES))
def test_a_clone_ends_up_the_same_whichever_server_it_asks(
    upstreams: Upstreams, tmp_path: Path, seed: int, version: int
) -> None:
    random = Random(seed * 3 + version)
    clones = {"git": tmp_path / "of-git", "us": tmp_path / "of-us"}
    protocol = f"protocol.version={version}"
    words = clone_words(random)
    said = {
        "git": git_result("-c", protocol, *words, f"file://{upstreams.folder}", clones["git"]),
        "us": git_result("-c", protocol, *words, upstreams.ours, clones["us"]),
    }
    assert said["git"].returncode == said["us"].returncode, said
    if said["git"].returncode:
        return
    assert state(clones["git"]) == state(clones["us"]), words
    for number in range(STEPS):
        if random.random() < 0.5:
            upstreams.advance(random, number)
        words = fetch_words(random)
        results = {name: git_result("-c", protocol, *words, cwd=clone) for name, clone in clones.items()}
        assert results["git"].returncode == results["us"].returncode, (words, results)
        assert state(clones["git"]) == state(clones["us"]), words
    for clone in clones.values():  # of a partial clone this fetches what is missing
        git("-c", protocol, "checkout", "--quiet", "--force", "HEAD", cwd=clone)
        git("fsck", "--strict", cwd=clone)


@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("words", ["--shallow-exclude=v1", f"--shallow-since=@{random_repository.START_S + 30}"])
def test_every_boundary_by_time_or_exclusion_can_be_unshallowed(
    upstreams: Upstreams, tmp_path: Path, seed: int, version: int, words: str
) -> None:
    """Git itself names commits behind the boundary, too, which its clients then miss."""
    clone = tmp_path / "clone"
    git("-c", f"protocol.version={version}", "clone", "--quiet", "--no-checkout", words, upstreams.ours, clone)
    shallow = (clone / ".git" / "shallow").read_text().split()
    assert shallow
    assert [oid for oid in shallow if is_missing(clone, oid)] == []
    git("fsck", "--strict", cwd=clone)
    git("-c", f"protocol.version={version}", "fetch", "--quiet", "--unshallow", cwd=clone)
    assert not (clone / ".git" / "shallow").exists()
    tips = [value for name, value in refs(clone).items() if name != "HEAD"]
    expected = git("rev-list", "--objects", "--no-object-names", *tips, cwd=upstreams.folder).decode().split()
    assert object_ids(clone) == set(expected)
