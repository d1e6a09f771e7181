"""What a repository costs once it is unsealed: a push and the state it makes, beside the same in a sealed one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.support.versus import Versus
from packengine.repository import Engine
from packengine.repository.progress import no_progress
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.engines import needs
from tests.support.raw_packs import COMMIT, NULL, commit_content, entry, oid_of, pack_of

MAIN, LOST = b"refs/heads/main", b"refs/heads/lost"


class Pusher:
    """Pushes commits to `main`, each of the tree of the first, and begins a fetch of each."""

    def __init__(self, engine: Engine, repository_id: str) -> None:
        self.engine = engine
        self.id = repository_id
        head = engine.load(repository_id).head_entry()
        assert head is not None
        self.tip = head.oid
        tree = engine.pushes.visibility.usable(engine.load(repository_id)).read(self.tip)[1][len("tree ") :][:40]
        self.tree = bytes.fromhex(tree.decode())
        self.count = 0

    def push_and_fetch(self) -> None:
        """One more commit, and what a fetch of it asks before any object is read."""
        self.tip = self.push(MAIN, self.tip)
        self.engine.fetches.begin(self.engine.load(self.id), needs(self.tip))

    def push(self, name: bytes, old: bytes) -> bytes:
        """A child of the tip. Returns it."""
        self.count += 1
        commit = commit_content(self.tree, [self.tip], b"%b %d\n" % (name, self.count))
        oid = oid_of(COMMIT, commit)
        self.move(name, old, oid, pack_of([entry(COMMIT, commit)]))
        return oid

    def move(self, name: bytes, old: bytes, new: bytes, pack: bytes = b"") -> None:
        """One command that must succeed."""
        assert begin_push(self.engine, self.id, [(old, new, name)], pack).finish().committed is not None


def test_push_to_unsealed(versus: Versus, large_repo: Path, tmp_path: Path) -> None:
    """More than 40,000 objects, one of them behind a branch that was deleted; the rival has not lost any."""
    engine = Engine.open(tmp_path)
    try:
        ours, rival = (Pusher(engine, _imported(engine, large_repo, name)) for name in ("unsealed", "sealed"))
        ours.move(LOST, ours.push(LOST, NULL), NULL)
        versus(ours.push_and_fetch, {"a sealed repository": rival.push_and_fetch}, rounds=25)
        assert [engine.load(each.id).manifest.sealed for each in (ours, rival)] == [False, True]
    finally:
        engine.close()


def _imported(engine: Engine, repository: Path, repository_id: str) -> str:
    return engine.import_repository(repository, repository_id, ACTOR, progress=no_progress)
