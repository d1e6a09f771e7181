"""Any series of commits, merges and moves of refs, each made over REST or pushed, gives the repository that stock Git
makes of the same series: the same refs with the same ids, which are those of the same trees and histories.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import trio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from packengine.repository.progress import no_progress
from tests.support.engine_pushes import begin_push
from tests.support.git import git, git_result, refs
from tests.support.rest import RestClient, rest_client

PERSON = ("A. Author", "author@example.org")
OFFSET = "+0130"
START_S = 1_700_000_000
HEAD = "refs/heads/main"
BRANCHES = ("main", "side", "topic/one")
REFS = (*(f"refs/heads/{branch}" for branch in BRANCHES), "refs/tags/v1")
PATHS = ("a", "b", "dir", "dir/a", "dir/b", "dir/deeper/a")
LINES = [f"{number}\n" for number in range(9)]
CONTENTS = ("", *("".join([*top, *LINES, *bottom]) for top in ([], ["x\n"], ["y\n"]) for bottom in ([], ["z\n"])))
NULL = bytes(20)
REST_SHARE = 0.6


@dataclass(frozen=True)
class Write:
    """A file with this content."""

    path: str
    content: str
    mode: str

    @property
    def as_json(self) -> dict[str, str]:
        """As a change in a request."""
        return {"op": "write", "path": self.path, "content": self.content, "mode": self.mode}

    @property
    def as_command(self) -> str:
        """As git-fast-import(1) reads it."""
        return f"M {self.mode} inline {self.path}\ndata {len(self.content)}\n{self.content}\n"


@dataclass(frozen=True)
class Delete:
    """No file or folder."""

    path: str

    @property
    def as_json(self) -> dict[str, str]:
        """As a change in a request."""
        return {"op": "delete", "path": self.path}

    @property
    def as_command(self) -> str:
        """As git-fast-import(1) reads it."""
        return f"D {self.path}\n"


@dataclass(frozen=True)
class Commit:
    """Changes to a branch, which is made if it is not there."""

    branch: str
    changes: Sequence[Write | Delete]


@dataclass(frozen=True)
class Merge:
    """Of a branch into another one."""

    source: str
    target: str


@dataclass(frozen=True)
class Move:
    """Of a ref, to the commit at that place of those that the refs reach; or its deletion, for None."""

    ref: str
    place: int | None


Step = Commit | Merge | Move

PRELUDE: list[tuple[Step, bool]] = [
    (Commit("main", [Write(path, CONTENTS[1], "100644") for path in ("a", "b", "dir/a")]), True),
    (Move("refs/heads/side", 0), True),
]
"""So that most merges have something to merge."""

PAIRS = (*(("side", "main"), ("main", "side")) * 2, ("topic/one", "main"), ("side", "topic/one"), ("main", "main"))

branches = st.sampled_from(["main", "side", *BRANCHES])
paths = st.sampled_from(PATHS)
changes = st.one_of(
    st.builds(Write, paths, st.sampled_from(CONTENTS), st.sampled_from(["100644", "100755", "120000"])),
    st.builds(Delete, paths),
)
commits = st.builds(Commit, branches, st.lists(changes, max_size=3))
merges = st.sampled_from(PAIRS).map(lambda pair: Merge(*pair))
moves = st.builds(Move, st.sampled_from(REFS), st.none() | st.integers(0, 9))
edits = st.builds(Write, st.sampled_from(["a", "dir/a"]), st.sampled_from(CONTENTS), st.just("100644")).map(
    lambda e: [e]
)
meetings = st.tuples(st.builds(Commit, st.just("main"), edits), st.builds(Commit, st.just("side"), edits), merges)
"""A merge of what may have been changed on both sides, cleanly or not."""

runs = st.one_of(meetings, st.tuples(commits), st.tuples(merges), st.tuples(moves))


class Git:
    """The series made by stock Git alone, in a repository of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        git("init", "--quiet", "--bare", f"--initial-branch={HEAD.removeprefix('refs/heads/')}", path)

    @property
    def refs(self) -> dict[str, str]:
        """Every ref's value."""
        return {name: value for name, value in refs(self.path).items() if name != "HEAD"}

    def history(self) -> list[str]:
        """All commits that the refs reach."""
        return git("rev-list", "--topo-order", "--all", cwd=self.path).decode().split()

    def commit(self, branch: str, changes: Sequence[Write | Delete], date_s: int) -> None:
        """As REST has it: of one file after the other, the later ones in the place of earlier ones."""
        ref, (name, email) = f"refs/heads/{branch}", PERSON
        parent = self.refs.get(ref)
        text = f"commit {ref}\ncommitter {name} <{email}> {date_s} {OFFSET}\ndata 2\nm\n"
        text += f"from {parent}\n" if parent else ""
        text += "".join(change.as_command for change in changes)
        git("fast-import", "--quiet", "--date-format=raw", cwd=self.path, stdin=text.encode())

    def merge(self, source: str, target: str, date_s: int) -> int:
        """Returns the status that REST is to answer with."""
        ours, theirs = (self.refs.get(f"refs/heads/{branch}") for branch in (target, source))
        if source == target or theirs is None:
            return 400
        new = theirs if ours is None else self._merged(ours, theirs, f"Merge {source} into {target}", date_s)
        if isinstance(new, int):
            return new
        git("update-ref", f"refs/heads/{target}", new, cwd=self.path)
        return 200

    def _merged(self, ours: str, theirs: str, message: str, date_s: int) -> str | int:
        base = git_result("merge-base", ours, theirs, cwd=self.path).stdout.decode().strip()
        if not base:
            return 400
        if base in {ours, theirs}:
            return theirs if base == ours else ours
        tree = git_result("merge-tree", "--write-tree", ours, theirs, cwd=self.path)
        if tree.returncode:
            return 409
        arguments = ("-p", ours, "-p", theirs, "-m", message)
        made = git("commit-tree", tree.stdout.decode().strip(), *arguments, cwd=self.path, env=_identity(date_s))
        return made.decode().strip()

    def move(self, ref: str, new: str | None) -> None:
        """Create, move or delete a ref."""
        git("update-ref", *(("-d", ref) if new is None else (ref, new)), cwd=self.path)

    def pack(self, new: str, present: Sequence[str]) -> bytes:
        """What a push of that commit brings along."""
        tips = "".join(f"{line}\n" for line in (new, *(f"^{each}" for each in present)))
        return git("pack-objects", "--revs", "--stdout", "--quiet", cwd=self.path, stdin=tips.encode())


def _identity(date_s: int) -> dict[str, str]:
    name, email = PERSON
    of_one = {"NAME": name, "EMAIL": email, "DATE": f"{date_s} {OFFSET}"}
    return {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in of_one.items()}


class Series:
    """Makes each step by Git alone, and then on the server the way that is asked for."""

    def __init__(self, rest: RestClient, model: Git) -> None:
        self.rest = rest
        self.model = model
        self.date_s = START_S

    async def make(self, step: Step, *, over_rest: bool) -> None:
        """A step that Git refuses is to be refused here too, and changes nothing."""
        self.date_s += 1
        before = self.model.refs
        match step:
            case Commit():
                self.model.commit(step.branch, step.changes, self.date_s)
                call, status = functools.partial(self.commit, step, before.get(f"refs/heads/{step.branch}")), 200
            case Merge():
                status = self.model.merge(step.source, step.target, self.date_s)
                call = functools.partial(self.merge, step)
            case Move(ref, place):
                history = self.model.history()
                new = history[place % len(history)] if place is not None and history else None
                status = 400 if new is None and (ref == HEAD or ref not in before) else 200
                if status == 200:
                    self.model.move(ref, new)
                call = functools.partial(self.move, ref, new)
        if over_rest:
            assert await call() == status, step
        else:
            await trio.to_thread.run_sync(self.push, before, self.model.refs)
        assert self.served() == self.model.refs, step

    async def commit(self, step: Commit, parent: str | None) -> int:
        fields = {"branch": step.branch, "parent": parent, "message": "m", "author": self.author()}
        return await self.ask("POST", "commits", {**fields, "changes": [each.as_json for each in step.changes]})

    async def merge(self, step: Merge) -> int:
        fields = {"sourceBranch": step.source, "targetBranch": step.target}
        return await self.ask("POST", "merge", {**fields, "author": self.author()})

    async def move(self, ref: str, new: str | None) -> int:
        return await (self.ask("DELETE", ref) if new is None else self.ask("PUT", ref, {"sha": new}))

    async def ask(self, method: str, path: str, body: object = None) -> int:
        return (await self.rest.call(method, f"/v1/repos/project/{path}", body)).status_code

    def author(self) -> dict[str, Any]:
        name, email = PERSON
        return {"name": name, "email": email, "date": self.date_s, "offset": OFFSET}

    def push(self, before: dict[str, str], after: dict[str, str]) -> None:
        for ref in sorted(before.keys() | after.keys()):
            old, new = before.get(ref), after.get(ref)
            if old == new:
                continue
            command = (_oid(old), _oid(new), ref.encode())
            pack = b"" if new is None else self.model.pack(new, list(before.values()))
            outcome = begin_push(self.rest.engine, "project", [command], pack).finish()
            assert (outcome.unpack_error, [reason for _, reason in outcome.verdicts]) == (None, [None])

    def served(self) -> dict[str, str]:
        entries = self.rest.engine.load("project").manifest.refs.scan()
        return {entry.name.decode(): entry.oid.hex() for entry in entries}

    async def check_all(self, path: Path) -> None:
        """What is stored is whole, and REST tells the refs that Git has."""
        self.rest.engine.export_repository("project", path, progress=no_progress)
        git("fsck", "--strict", "--full", cwd=path)
        told = (await self.rest.call("GET", "/v1/repos/project/refs")).json()
        assert {each["name"]: each["sha"] for each in told} == self.model.refs


def _oid(text: str | None) -> bytes:
    return NULL if text is None else bytes.fromhex(text)


async def play(series: Sequence[tuple[Step, bool]], folder: Path) -> None:
    async with rest_client(folder / "data") as rest:
        await rest.create("project")
        one = Series(rest, Git(folder / "model.git"))
        for step, over_rest in (*PRELUDE, *series):
            await one.make(step, over_rest=over_rest)
        await one.check_all(folder / "exported.git")


@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])  # shrinking would take minutes
@given(st.lists(runs, min_size=3, max_size=7), st.randoms(use_true_random=False))
def test_any_series_over_rest_and_by_pushes_ends_as_in_git(steps: list[tuple[Step, ...]], random: Random) -> None:
    series = [(step, random.random() < REST_SHARE) for run in steps for step in run]
    with tempfile.TemporaryDirectory(prefix="rest-and-git-") as folder:
        trio.run(play, series, Path(folder))
