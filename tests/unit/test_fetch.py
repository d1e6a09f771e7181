"""Fetches through the engine: packs that stock Git takes, and nothing that may not be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled
from packengine.protocol import INFINITE_DEPTH, Deepen, Needs
from packengine.repository import Engine, Fetch, NotOurRef
from tests.support.engines import Project, move, needs, new_project, open_in_memory
from tests.support.git import git, git_result
from tests.support.raw_packs import NULL

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
PLAIN = needs(ofs_delta=True)
THIN = replace(PLAIN, thin_pack=True)
TAGS = replace(PLAIN, include_tag=True)
TEXT = b"".join(b"line %d of a file that changes a little\n" % number for number in range(200))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path / "engine")


class History:
    """Twelve commits on main, each with one line more in its file; a tag on the third, and one on that tag."""

    def __init__(self, project: Project) -> None:
        self.project = project
        objects = project.objects
        self.commits: list[bytes] = []
        self.new: list[list[bytes]] = []
        for number in range(12):
            blob = objects.blob(TEXT + b"added %d\n" % number)
            tree = objects.tree({b"file": blob})
            commit = objects.commit(f"commit {number}", *self.commits[-1:], tree=tree)
            self.commits.append(commit)
            self.new.append([blob, tree, commit])
        self.tag = objects.tag(b"v3", self.commits[3])
        self.outer = objects.tag(b"outer", self.tag)
        project.pushed(MAIN, None, self.commits[-1], *(oid for new in self.new for oid in new))
        project.push(
            move(b"refs/tags/v3", None, self.tag),
            move(b"refs/tags/outer", None, self.outer),
            new=[self.tag, self.outer],
        )

    def begin(self, *wants: bytes, asked: Needs = PLAIN) -> Fetch:
        return self.project.engine.fetches.begin(self.project.engine.load(self.project.id), replace(asked, wants=wants))


@pytest.fixture
def history(engine: Engine) -> History:
    return History(new_project(engine))


def read(fetch: Fetch, common: Sequence[bytes] = ()) -> bytes:
    cancel = Cancel()
    stream = fetch.open_pack(fetch.select(common, cancel), cancel)
    pieces = []
    while piece := stream.read(1000):
        assert len(piece) <= 1000
        pieces.append(piece)
    return b"".join(pieces)


class Client:
    """A bare repository of stock Git's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        git("init", "--quiet", "--bare", path)

    def take(self, pack: bytes, *, thin: bool = False) -> None:
        fix = ["--fix-thin"] if thin else []
        git("index-pack", "--strict", "--stdin", *fix, cwd=self.path, stdin=pack)

    def holds(self) -> set[bytes]:
        lines = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=self.path).split()
        return {bytes.fromhex(line.decode()) for line in lines}

    def refuses(self, pack: bytes) -> bool:
        return git_result("index-pack", "--strict", "--stdin", cwd=self.path, stdin=pack).returncode != 0


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path / "client.git")


def reached(history: History, end: int, start: int = 0) -> set[bytes]:
    return {oid for new in history.new[start:end] for oid in new}


def test_a_clone_of_one_commit_brings_its_closure_and_no_more(history: History, client: Client) -> None:
    client.take(read(history.begin(history.commits[5])))
    assert client.holds() == reached(history, 6)


@pytest.mark.parametrize("ofs_delta", [True, False])
def test_a_fetch_brings_what_the_client_lacks(history: History, client: Client, ofs_delta: bool) -> None:
    client.take(read(history.begin(history.commits[5])))
    options = replace(PLAIN, ofs_delta=ofs_delta)
    client.take(read(history.begin(history.commits[-1], asked=options), [history.commits[5]]))
    assert client.holds() == reached(history, 12)
    git("fsck", "--strict", "--full", cwd=client.path)


def push_thin(history: History, tmp_path: Path) -> bytes:
    """A commit that was pushed as deltas against main, so that a thin answer has some to copy. Returns its id."""
    work = Client(tmp_path / "work.git")
    work.take(read(history.begin(history.commits[-1])))
    blob = git("hash-object", "-w", "--stdin", cwd=work.path, stdin=TEXT + b"added 11\nand more\n").decode().strip()
    tree = git("mktree", cwd=work.path, stdin=f"100644 blob {blob}\tfile\n".encode()).decode().strip()
    old = history.commits[-1].hex()
    commit = git("commit-tree", "-m", "thin", "-p", old, tree, cwd=work.path).decode().strip()
    pack = git(
        "pack-objects", "--revs", "--thin", "--stdout", "-q", cwd=work.path, stdin=f"{commit}\n^{old}\n".encode()
    )
    assert history.project.push(move(SIDE, None, bytes.fromhex(commit)), pack=pack) == [None]
    return bytes.fromhex(commit)


def test_a_thin_answer_is_completed_from_what_the_client_holds(
    history: History, client: Client, tmp_path: Path
) -> None:
    commit = push_thin(history, tmp_path)
    client.take(read(history.begin(history.commits[-1])))
    before = client.holds()
    pack = read(history.begin(commit, asked=THIN), [history.commits[-1]])
    assert Client(tmp_path / "empty.git").refuses(pack)  # or it would not be thin
    client.take(pack, thin=True)
    assert len(client.holds() - before) == 3


def test_an_answer_that_was_not_asked_to_be_thin_is_whole(history: History, client: Client, tmp_path: Path) -> None:
    commit = push_thin(history, tmp_path)
    pack = read(history.begin(commit), [history.commits[-1]])
    git("index-pack", "--stdin", cwd=client.path, stdin=pack)  # not --strict: the parent is not in it
    assert len(client.holds()) == 3
    assert len(pack) > len(read(history.begin(commit, asked=THIN), [history.commits[-1]]))


def test_tags_come_along_with_what_they_point_at(history: History, client: Client) -> None:
    client.take(read(history.begin(history.commits[-1], asked=TAGS)))
    assert client.holds() == reached(history, 12) | {history.tag, history.outer}


def test_tags_of_what_is_not_sent_do_not_come_along(history: History, client: Client) -> None:
    client.take(read(history.begin(history.commits[2], asked=TAGS)))
    assert client.holds() == reached(history, 3)


def test_tags_of_what_the_client_has_do_not_come_along(history: History, client: Client) -> None:
    client.take(read(history.begin(history.commits[5])))
    client.take(read(history.begin(history.commits[-1], asked=TAGS), [history.commits[5]]))
    assert client.holds() == reached(history, 12)


def test_a_tag_of_a_tag_brings_the_one_between_although_no_ref_names_it(engine: Engine, client: Client) -> None:
    history = History(new_project(engine))
    history.project.pushed(b"refs/tags/v3", history.tag, None)
    client.take(read(history.begin(history.commits[-1], asked=TAGS)))
    assert client.holds() == reached(history, 12) | {history.tag, history.outer}


def test_without_include_tag_no_tag_comes(history: History, client: Client) -> None:
    client.take(read(history.begin(history.commits[-1])))
    assert client.holds() == reached(history, 12)


def test_a_want_that_is_not_ours_is_named_in_the_error(history: History) -> None:
    stranger = bytes(19) + b"\x01"
    with pytest.raises(NotOurRef, match=f"not our ref {stranger.hex()}") as caught:
        history.begin(history.commits[-1], stranger)
    assert caught.value.oid == stranger


def test_haves_that_are_unknown_are_passed_over_and_the_others_keep_their_order(history: History) -> None:
    fetch = history.begin(history.commits[-1])
    haves = [history.commits[4], bytes(19) + b"\x01", history.commits[2], bytes(19) + b"\x02"]
    assert fetch.common(haves) == [history.commits[4], history.commits[2]]


def test_a_have_that_was_forced_away_is_no_common_one_after_the_grace(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = history.commits[-1]
    history.project.pushed(MAIN, tip, history.commits[5])
    assert history.begin(history.commits[5]).common([tip]) == [tip]
    late = history.project.manifest.time_ms + history.project.engine.limits.want_grace_ms + 1
    monkeypatch.setattr("packengine.repository.fetch.now_ms", lambda: late)
    assert history.begin(history.commits[5]).common([tip]) == []


def test_everything_is_reached_only_once_each_want_has_a_common_ancestor(history: History) -> None:
    stranger = history.project.objects.commit("another root", tree=history.project.objects.empty_tree)
    history.project.pushed(SIDE, None, stranger, history.project.objects.empty_tree, stranger)
    fetch = history.begin(history.commits[-1], stranger)
    assert not fetch.all_reached([])
    assert not fetch.all_reached([history.commits[0]])
    assert fetch.all_reached([history.commits[0], stranger])


def test_wanting_every_ref_of_a_sealed_repository_brings_the_same_as_a_walk(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wants = list(history.project.refs.values())
    assert history.project.manifest.sealed
    fetch = history.begin(*wants)
    assert fetch._wants_everything()
    fast, walked = Client(tmp_path / "fast.git"), Client(tmp_path / "walked.git")
    fast.take(read(fetch))
    monkeypatch.setattr(fetch, "_wants_everything", lambda: False)
    walked.take(read(fetch))
    assert fast.holds() == walked.holds() == reached(history, 12) | {history.tag, history.outer}


def test_wanting_all_but_one_ref_does_not_bring_everything(history: History, client: Client) -> None:
    client.take(read(history.begin(history.commits[-1], history.tag)))
    assert client.holds() == reached(history, 12) | {history.tag}


def test_wanting_every_ref_of_what_is_not_sealed_leaves_out_what_is_hidden(history: History, client: Client) -> None:
    history.project.pushed(MAIN, history.commits[-1], history.commits[5])
    assert not history.project.manifest.sealed
    client.take(read(history.begin(*history.project.refs.values())))
    assert client.holds() == reached(history, 6) | {history.tag, history.outer}


def test_a_client_that_has_it_all_gets_an_empty_pack(history: History) -> None:
    tip = history.commits[-1]
    fetch = history.begin(tip)
    stream = fetch.open_pack(fetch.select([tip], Cancel()), Cancel())
    assert stream.object_count == 0
    assert stream.read(1000)[:12] == b"PACK\0\0\0\2\0\0\0\0"


def test_a_want_that_comes_twice_is_sent_once(history: History, client: Client) -> None:
    tip = history.commits[2]
    client.take(read(history.begin(tip, tip)))
    assert client.holds() == reached(history, 3)


def test_a_fetch_goes_on_from_the_state_that_it_began_with(history: History, client: Client) -> None:
    fetch = history.begin(history.commits[-1])
    history.project.pushed(MAIN, history.commits[-1], history.commits[0])
    client.take(read(fetch))
    assert client.holds() == reached(history, 12)


def test_sizes_are_found_once_for_each_object_and_stop_when_nobody_waits(history: History) -> None:
    project, commit = history.project, history.commits[0]
    service, state, size_bytes = (
        project.engine.fetches,
        project.engine.load(project.id),
        len(project.objects.content(commit)),
    )
    assert service.sizes(state, [commit, NULL, commit]) == [size_bytes, None, size_bytes]
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        service.sizes(state, [commit], cancel)


def test_looking_below_a_boundary_stops_when_nobody_waits(history: History) -> None:
    asked = replace(PLAIN, shallow=tuple(history.commits[5:8]), deepen=Deepen(depth=INFINITE_DEPTH))
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        history.begin(history.commits[-1], asked=asked).boundary(cancel)
    assert history.begin(history.commits[-1], asked=asked).boundary(Cancel()).below == tuple(history.commits[4:7])
