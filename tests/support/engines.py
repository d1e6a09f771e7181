"""Engines that live in a temporary folder, and the small histories that tests push straight into them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core_ext import object_edges
from packengine.manifests import Manifest
from packengine.protocol import Client, Command, Needs, PushCapabilities, PushCommands
from packengine.repository import Engine, Limits, Push
from packengine.repository.progress import no_progress
from packengine.repository.push_policy import PushPolicy
from packengine.storage.ports import BlobStore, Committed, Pointer, Publish, RepositoryRecord, Superseded
from tests.support.engine_pushes import ACTOR
from tests.support.fakes import MemoryBlobStore, MemoryCatalog
from tests.support.raw_packs import BLOB, COMMIT, NULL, TAG, TREE, commit_content, entry, oid_of, pack_of, tree_content

if TYPE_CHECKING:
    from core_ext._core import Kind

_KINDS: dict[int, Kind] = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}


class OvertakenCatalog(MemoryCatalog):
    """Lets each of `rivals` publish something before it looks at the next publish; `now_read_only` are ids."""

    def __init__(self) -> None:
        super().__init__()
        self.rivals: list[Callable[[], object]] = []
        self.now_read_only: set[str] = set()
        self.published: list[Publish] = []

    def publish(self, publish: Publish) -> Committed | Superseded:
        """Compare-and-swap the pointer, perhaps too late."""
        self.published.append(publish)
        if self.rivals:
            rival, waiting = self.rivals[0], self.rivals[1:]
            self.rivals = []  # a rival has none itself
            rival()
            self.rivals = waiting
        return super().publish(publish)

    def current(self, repository_id: str) -> tuple[RepositoryRecord, Pointer]:
        """The record and the pointer."""
        record, pointer = super().current(repository_id)
        return replace(record, read_only=True) if repository_id in self.now_read_only else record, pointer


class Clock:
    """The engine's clock in milliseconds, to be set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now_ms: int = 1_700_000_000_000) -> None:
        self.now_ms = now_ms
        for module in ("bundles", "fetch", "publish", "lifecycle"):
            monkeypatch.setattr(f"packengine.repository.{module}.now_ms", lambda: self.now_ms)


class Objects:
    """Objects made by hand and remembered, so that a pack of some of them is a list of their ids."""

    def __init__(self) -> None:
        self._objects: dict[bytes, tuple[int, bytes]] = {}
        self.empty_tree = self.add(TREE, b"")

    def add(self, kind: int, content: bytes) -> bytes:
        """Any object. Returns its id."""
        oid = oid_of(kind, content)
        self._objects[oid] = (kind, content)
        return oid

    def blob(self, content: bytes) -> bytes:
        """A blob."""
        return self.add(BLOB, content)

    def tree(self, files: Mapping[bytes, bytes]) -> bytes:
        """A tree of ordinary files: id by name."""
        return self.add(TREE, tree_content([(b"100644", name, oid) for name, oid in sorted(files.items())]))

    def commit(self, name: str, *parents: bytes, tree: bytes | None = None) -> bytes:
        """A commit with that message, of the empty tree unless another is given."""
        return self.add(COMMIT, commit_content(tree or self.empty_tree, parents, name.encode() + b"\n"))

    def tag(self, name: bytes, target: bytes) -> bytes:
        """An annotated tag of an object made here."""
        kind = _KINDS[self._objects[target][0]].encode()
        tagger = b"T. Agger <tagger@example.org> 1700000000 +0000"
        text = b"object %b\ntype %b\ntag %b\ntagger %b\n\nMessage\n" % (target.hex().encode(), kind, name, tagger)
        return self.add(TAG, text)

    def content(self, oid: bytes) -> bytes:
        """What an object made here holds."""
        return self._objects[oid][1]

    def closure(self, tips: Iterable[bytes]) -> list[bytes]:
        """All that the tips reach, themselves included."""
        met: dict[bytes, None] = {}
        waiting = list(tips)
        while waiting:
            oid = waiting.pop()
            if oid not in met:
                met[oid] = None
                kind, content = self._objects[oid]
                edges = object_edges(_KINDS[kind], content, object_format="sha1")
                waiting += [target for target, _ in edges]
        return list(met)

    def pack(self, oids: Iterable[bytes]) -> bytes:
        """A pack of whole objects."""
        return pack_of([entry(*self._objects[oid]) for oid in oids])


def open_in_memory(
    folder: Path,
    *,
    catalog: MemoryCatalog | None = None,
    blobs: BlobStore | None = None,
    limits: Limits | None = None,
    policy: PushPolicy | None = None,
) -> Engine:
    """An engine over the fakes; only quarantine and derived files lie in the folder."""
    for name in ("scratch", "quarantine", "derived"):
        (folder / name).mkdir(parents=True)
    return Engine(
        catalog or MemoryCatalog(),
        blobs or MemoryBlobStore(folder / "scratch"),
        folder / "quarantine",
        folder / "derived",
        limits or Limits(),
        policy=policy or PushPolicy(),
    )


def move(name: bytes, old: bytes | None, new: bytes | None) -> Command:
    """A command of a push; None where there is no value."""
    return Command(old or NULL, new or NULL, name)


def push_commands(*commands: Command, atomic: bool = False, shallow: tuple[bytes, ...] = ()) -> PushCommands:
    """What comes before the pack."""
    return PushCommands(commands, PushCapabilities(atomic=atomic), shallow=shallow)


def needs(*wants: bytes, **fields: Any) -> Needs:
    """What a fetch of these wants asks for."""
    return Needs(client=Client(), wants=wants, **fields)


class Project:
    """One repository of an engine, in the words of a test."""

    def __init__(self, engine: Engine, repository_id: str, objects: Objects | None = None) -> None:
        self.engine = engine
        self.id = repository_id
        self.objects = objects or Objects()

    def elsewhere(self) -> Project:
        """The same repository as another process sees it."""
        pushes = self.engine.pushes
        derived = pushes.quarantine.parent / "derived"
        catalog, limits = self.engine.catalog, self.engine.limits
        other = Engine(catalog, pushes.blobs, pushes.quarantine, derived, limits, policy=pushes.policy)
        return Project(other, self.id, self.objects)

    @property
    def manifest(self) -> Manifest:
        """What the newest state says."""
        return self.engine.load(self.id).manifest

    @property
    def refs(self) -> dict[bytes, bytes]:
        """Every ref's value."""
        return {entry.name: entry.oid for entry in self.manifest.refs.scan()}

    def begin(
        self, *commands: Command, pack: bytes | None = None, atomic: bool = False, shallow: Iterable[bytes] = ()
    ) -> Push:
        """A push whose pack has arrived, and that nobody has finished. pack: None for an empty one where one is due."""
        request = push_commands(*commands, atomic=atomic, shallow=tuple(shallow))
        push = self.engine.pushes.begin(self.engine.load(self.id), request, ACTOR)
        if pack is None and request.expects_pack:
            pack = pack_of([])
        if pack:
            push.feed(pack)
        return push

    def push(
        self,
        *commands: Command,
        new: Iterable[bytes] = (),
        pack: bytes | None = None,
        atomic: bool = False,
        shallow: Iterable[bytes] = (),
    ) -> list[str | None]:
        """Push with a pack of the objects `new`, or that very pack. Returns the reason for each command, or None."""
        oids = list(new)
        sent = self.objects.pack(oids) if oids else pack
        outcome = self.begin(*commands, pack=sent, atomic=atomic, shallow=shallow).finish()
        assert outcome.unpack_error is None, outcome.unpack_error
        return [reason for _, reason in outcome.verdicts]

    def pushed(self, name: bytes, old: bytes | None, new: bytes | None, *sent: bytes) -> None:
        """One command that must succeed, with a pack of the objects `sent`."""
        assert self.push(move(name, old, new), new=sent) == [None]

    def problems(self) -> list[str]:
        """What a check of everything finds."""
        return self.engine.verify_repository(self.id, progress=no_progress).problems


def new_project(engine: Engine, repository_id: str = "project", objects: Objects | None = None) -> Project:
    """Create an empty repository."""
    engine.create_repository(repository_id, ACTOR)
    return Project(engine, repository_id, objects)


def fork_of(project: Project, fork_id: str) -> Project:
    """Fork a project."""
    project.engine.fork_repository(project.id, fork_id, ACTOR)
    return Project(project.engine, fork_id, project.objects)
