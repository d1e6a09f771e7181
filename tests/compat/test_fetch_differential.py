"""Random fetches from random repositories, the same to us and to `git upload-pack --stateless-rpc`.

The acknowledgements, the boundary, the wanted refs and the objects agree, in every version of the protocol.

Where we mean to differ is said in docs/protocol.md ("Where we differ from Git") and allowed here by name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core_ext import ObjectDb
from packengine.repository import Engine
from packengine.repository.progress import no_progress
from tests.support import random_repository
from tests.support.engine_pushes import ACTOR
from tests.support.engines import open_in_memory
from tests.support.fetch_cases import Answer, AnswerReader, Case, ask_git
from tests.support.git import git
from tests.support.git_client import GitClient

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

SEEDS = range(5)
CASES_A_REPOSITORY_AND_VERSION = 200
UNKNOWN = "12" * 20


@dataclass(frozen=True, slots=True)
class World:
    """The same repository at both servers, and what may be asked for."""

    git_path: Path
    engine: Engine
    reader: AnswerReader
    object_format: ObjectFormat
    commits: list[str]
    refs: dict[str, str]
    others: list[str]
    """Trees and blobs."""

    tagged: dict[bytes, bytes]
    """What each annotated tag peels to."""

    parents: dict[str, list[str]]
    trees: dict[str, bytes]
    known: ObjectDb

    def ask_us(self, case: Case) -> Answer:
        """Through the Git application, as a request of ASGI."""
        client = GitClient(self.engine)
        trio.run(partial(client.post, "git-upload-pack", case.body(self.object_format), version=case.version))
        return self.reader.read(case, client.body)

    def ask_git(self, case: Case) -> Answer:
        """Through a process of stock Git's."""
        body, content = ask_git(self.git_path, case, self.object_format)
        answer = self.reader.read(case, body)
        return answer if content else replace(answer, refused=True)

    def wants(self, case: Case) -> list[str]:
        """By id and by name."""
        names = [line.split()[1] for line in case.lines if line.startswith("want-ref ")]
        return [*case.wants, *(self.refs[name] for name in names)]

    def idle_tags(self, case: Case, answer: Answer) -> set[bytes]:
        """With include-tag, Git also sends tags of what it only knows to be at the client: the bases of thin deltas."""
        if "include-tag" not in case.flags:
            return set()
        asked = self._tag_chain(self.wants(case)) - self._tag_chain(case.haves)
        return {tag for tag, target in self.tagged.items() if target not in answer.objects} - asked

    def _tag_chain(self, oids: Iterable[str]) -> set[bytes]:
        known = [oid for oid in map(bytes.fromhex, oids) if self.known.contains(oid)]
        return set(self.known.tag_chain(known).oids(limit=100))

    def held(self, case: Case) -> set[bytes]:
        """All in the trees of the commits that the client has: down from its haves to its old boundary."""
        boundary = {line.split()[1] for line in case.lines if line.startswith("shallow ")}
        waiting, met = [*map(self._peeled, case.haves), *boundary], set[str]()
        while waiting:
            commit = waiting.pop()
            if commit in self.parents and commit not in met:
                met.add(commit)
                waiting += [] if commit in boundary else self.parents[commit]
        return self.closure(self.trees[commit] for commit in met)

    def wanted_contents(self, case: Case) -> set[bytes]:
        """What is wanted without being a commit, with all below."""
        wants = map(self._peeled, self.wants(case))
        contents = self.closure(bytes.fromhex(want) for want in wants if want not in self.parents)
        return contents | {tag for tag, target in self.tagged.items() if target in contents}

    def closure(self, oids: Iterable[bytes]) -> set[bytes]:
        """Everything that is reached."""
        return set(self.known.reachable(list(oids)).oids(limit=1 << 20))

    def all_wants_reach_a_have(self, case: Case) -> bool:
        """By looking at every commit. What a have's parents are, the client has, too."""
        haves = {self._peeled(oid) for oid in case.haves}
        known = haves | {parent for oid in haves for parent in self.parents.get(oid, ())}
        wants = {self._peeled(oid) for oid in self.wants(case)}
        return all(self._reaches(want, known) for want in wants if want in self.parents)

    def _reaches(self, commit: str, goals: set[str]) -> bool:
        waiting, met = [commit], set()
        while waiting:
            at = waiting.pop()
            if at in goals:
                return True
            if at not in met:
                met.add(at)
                waiting += self.parents[at]
        return False

    def _peeled(self, oid: str) -> str:
        return self.tagged.get(bytes.fromhex(oid), bytes.fromhex(oid)).hex()


@pytest.fixture(scope="module", params=["story", "sha256", *SEEDS])
def world(
    request: pytest.FixtureRequest, small_repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A made-up project, or a tangle of merges and tags."""
    folder = tmp_path_factory.mktemp("differential")
    object_format: ObjectFormat = "sha256" if request.param == "sha256" else "sha1"
    path = folder / "repo.git"
    if request.param == "story":
        shutil.copytree(small_repo, path)
    else:
        seed = 77 if request.param == "sha256" else request.param
        random_repository.build(path, seed=seed, object_format=object_format)
    engine = open_in_memory(folder / "engine")
    engine.import_repository(path, "project", ACTOR, progress=no_progress)
    yield _world(path, engine, folder, object_format)
    engine.close()


def _world(path: Path, engine: Engine, folder: Path, object_format: ObjectFormat) -> World:
    commits = git("rev-list", "--all", cwd=path).decode().split()
    listed = git("rev-list", "--objects", "--no-object-names", "--all", cwd=path).decode().split()
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=path).decode().splitlines()
    refs = dict(line.split(" ", 1) for line in lines)
    known = engine._loader.objects(engine.load("project").manifest)
    peeled = {oid: known.peel(oid)[1] for oid in map(bytes.fromhex, refs.values())}
    lines = git("log", "--all", "--format=%H %T %P", cwd=path).decode().splitlines()
    parents = {words[0]: words[2:] for words in map(str.split, lines)}
    trees = {words[0]: bytes.fromhex(words[1]) for words in map(str.split, lines)}
    return World(
        git_path=path,
        engine=engine,
        reader=AnswerReader(known, folder, object_format),
        object_format=object_format,
        commits=commits,
        refs=refs,
        others=sorted(set(listed) - set(commits)),
        tagged={oid: target for oid, target in peeled.items() if oid != target},
        parents=parents,
        trees=trees,
        known=known,
    )


def some(items: list[str], most: int) -> st.SearchStrategy[list[str]]:
    """Up to so many of them, each once."""
    return st.lists(st.sampled_from(items), max_size=most, unique=True)


@st.composite
def boundaries(draw: st.DrawFn, world: World) -> list[str]:
    """The lines of a shallow client, or of one that wants to become one."""
    lines = [f"shallow {oid}" for oid in draw(some(world.commits, 3))]
    match draw(st.sampled_from(["none", "none", "depth", "relative", "infinite", "since", "not"])):
        case "depth":
            lines.append(f"deepen {draw(st.integers(1, 12))}")
        case "relative":
            lines += [f"deepen {draw(st.integers(1, 6))}", "deepen-relative"]
        case "infinite":
            lines.append("deepen 2147483647")
        case "since":
            lines.append(f"deepen-since {random_repository.START_S + draw(st.integers(0, 70))}")
        case "not":
            names = draw(st.lists(st.sampled_from(sorted(world.refs)), min_size=1, max_size=2, unique=True))
            lines += [f"deepen-not {name}" for name in names]
    return lines


_SINGLE_FILTERS = st.one_of(
    st.just("blob:none"),
    st.integers(0, 2000).map("blob:limit={}".format),
    st.integers(0, 5).map("tree:{}".format),
    st.sampled_from(["commit", "tree", "blob", "tag"]).map("object:type={}".format),
)


@st.composite
def cases(draw: st.DrawFn, world: World, version: int) -> Case:
    """A request that a client could send, or a liar."""
    tips = draw(st.lists(st.sampled_from(sorted(world.refs.values())), min_size=1, max_size=3, unique=True))
    wants = list(dict.fromkeys([*tips, *draw(some(world.commits, 2)), *draw(some(world.others, 1))]))
    haves = draw(some([*world.commits, *world.refs.values()], 5))
    if draw(st.booleans()):
        haves.insert(draw(st.integers(0, len(haves))), UNKNOWN.ljust(len(world.commits[0]), "0"))
    case = Case(version=version, wants=wants, haves=haves, done=draw(st.booleans()))
    case.lines = draw(boundaries(world))
    if draw(st.integers(0, 3)) == 0:
        case.lines.append(f"filter {draw(_SINGLE_FILTERS)}")
    # Without thin-pack Git sends more to shallow clients than they lack; with it, it knows their trees as we always do.
    case.flags = ["thin-pack", *draw(st.sets(st.sampled_from(["ofs-delta", "include-tag", "no-progress"])))]
    return draw(_in_version_2(world, case) if version == 2 else _before_version_2(case))


@st.composite
def _in_version_2(draw: st.DrawFn, world: World, case: Case) -> Case:
    case.flags += sorted(draw(st.sets(st.sampled_from(["sideband-all", "wait-for-done"]))))
    case.lines += [f"want-ref {name}" for name in draw(some(sorted(world.refs), 2))]
    return case


@st.composite
def _before_version_2(draw: st.DrawFn, case: Case) -> Case:
    case.flags += draw(st.sampled_from([["multi_ack_detailed", "no-done"], ["multi_ack_detailed"], ["multi_ack"], []]))
    case.flags += draw(st.sampled_from([["side-band-64k"], ["side-band"], []]))
    if "deepen-relative" in case.lines:
        case.lines.remove("deepen-relative")
        case.flags.append("deepen-relative")
    if any(line.startswith("filter ") for line in case.lines):
        case.flags.append("filter")
    return case


def assert_agrees(world: World, case: Case, ours: Answer) -> None:
    """What Git answers, but for what we do better."""
    theirs = world.ask_git(case)
    if ours.refused and not theirs.refused and not case.done:
        # We are ready sooner, see below, and find out only then that there is nothing to send.
        theirs = world.ask_git(replace(case, done=True))
    if ours.refused and theirs.refused:
        return  # what Git wrote until it gave up says nothing
    if not any("multi_ack" in flag for flag in case.flags) and case.version < 2:
        # Git says the one ACK again for a have that is known to be common already; the document wants it once.
        theirs.acknowledgments = theirs.acknowledgments[:1]
    if _is_ready(ours) and not _is_ready(theirs):
        # Git's search for `ready` ends at the date of the oldest have, so that it may ask for one round more.
        assert world.all_wants_reach_a_have(case)
        theirs = replace(world.ask_git(replace(case, done=True)), acknowledgments=ours.acknowledgments)
        if not ours.has_pack:
            theirs = replace(theirs, has_pack=False, objects=set())
    if any(line.startswith(("deepen-since", "deepen-not")) for line in case.lines):
        # Git names boundaries behind other boundaries, which its client then looks for in vain.
        unsent = theirs.shallow - ours.shallow
        assert not unsent & {oid.hex() for oid in theirs.objects}
        theirs.shallow -= unsent
    if any(line.startswith(("shallow", "deepen")) for line in case.lines):
        # Of a shallow client's trees we know more than Git, for instance of those behind a tag.
        theirs.objects -= (theirs.objects - ours.objects) & world.held(case)
    if any(line.startswith("filter") for line in case.lines):
        # What is wanted by its id is sent, also if it is the tree of a commit that is sent, too.
        theirs.objects |= (ours.objects - theirs.objects) & world.wanted_contents(case)
    theirs.objects -= world.idle_tags(case, theirs)
    assert ours == theirs


def _is_ready(answer: Answer) -> bool:
    """Whether the negotiation was said to be over; with plain multi_ack, by acknowledging what nobody has."""
    return any(line.endswith("ready") or UNKNOWN in line for line in answer.acknowledgments)


@pytest.mark.parametrize("version", [0, 2])
def test_both_servers_give_the_same_answer(world: World, version: int) -> None:
    seen = {"packs": 0, "boundaries": 0, "refusals": 0, "rounds": 0}

    @settings(
        max_examples=CASES_A_REPOSITORY_AND_VERSION,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(cases(world, version))
    def compare(case: Case) -> None:
        ours = world.ask_us(case)
        assert_agrees(world, case, ours)
        seen["packs"] += ours.has_pack
        seen["boundaries"] += bool(ours.shallow)
        seen["refusals"] += ours.refused
        seen["rounds"] += not ours.has_pack and not ours.refused

    compare()
    # Else the cases would say little.
    assert seen["packs"] > CASES_A_REPOSITORY_AND_VERSION // 4
    assert seen["boundaries"] > CASES_A_REPOSITORY_AND_VERSION // 10
    assert seen["rounds"]
