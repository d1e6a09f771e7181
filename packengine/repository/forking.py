"""Forks: second pointers to a source's manifest, or to a new one that shows a part of what the source holds.

A fork of the whole is one metadata write. A fork at a ref, a commit or a time has a manifest of its own, without
parent, over the packs of its source: what its refs do not reach is not shown (design, law 8), nor is any past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core_ext import Cancel
from packengine.manifests import Manifest, PackPlace, PublishKind, digest_of, encode_manifest
from packengine.refs import HiddenRefs, RefEntry, RefTable, build_table
from packengine.refs.blocks import decode_index
from packengine.refs.names import is_branch
from packengine.repository.actor import Actor
from packengine.repository.errors import ForkPointUnknown, StateGone
from packengine.repository.history import History
from packengine.repository.limits import Limits
from packengine.repository.publish import now_ms
from packengine.repository.ref_lookup import RefLookup
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.visibility import Visibility
from packengine.storage.ports import (
    BlobKey,
    Catalog,
    CondemnedBlob,
    NewRepository,
    NewToken,
    RepositoryMissing,
    Row,
    RowKey,
    RowKind,
    RowMissing,
)

_ROUNDS = 16
"""So often a fork is derived again from a source whose packs were merged and collected meanwhile."""


@dataclass(frozen=True, slots=True)
class ForkPoint:
    """What of the source a fork is to show. All None: the whole of it, as it is."""

    ref: str | None = None
    """A ref as people name it; the fork has no other."""

    commit: bytes | None = None
    """What the ref is to stand for, or the branch that HEAD names, if no ref is given."""

    at_ms: int | None = None
    """Refs as they were then."""

    first_version: int | None = None
    """The source's own, if it is to be no other one that has the id by now."""

    @property
    def is_whole(self) -> bool:
        """Whether it is no point at all."""
        return self.ref is None and self.commit is None and self.at_ms is None


WHOLE_SOURCE = ForkPoint()


@dataclass(frozen=True, slots=True)
class ForkTerms:
    """What forks that are made together have in common."""

    owner: str | None = None
    read_only: bool = False


class Forker:
    """Makes forks."""

    def __init__(
        self, catalog: Catalog, loader: StateLoader, visibility: Visibility, history: History, limits: Limits
    ) -> None:
        self._catalog = catalog
        self._loader = loader
        self._visibility = visibility
        self._history = history
        self._quota = limits.owner_quota

    def fork(
        self,
        source_id: str,
        forks: Sequence[tuple[str, NewToken | None]],
        terms: ForkTerms,
        point: ForkPoint,
        actor: Actor,
        cancel: Cancel,
    ) -> None:
        """Make all of them, or none. Raises RepositoryMissing, RepositoryExists; for a point also ForkPointUnknown,
        StateUnknown, StateGone, Cancelled."""
        if point.is_whole:
            whole = NewRepository("", None, now_ms() // 1000, None, source_first_version=point.first_version)
            self._create(source_id, forks, terms, whole, ())
            return
        for left in reversed(range(_ROUNDS)):
            try:
                self._create(source_id, forks, terms, *self._part(source_id, point, actor, cancel))
            except (CondemnedBlob, RowMissing):
                if not left:
                    raise
            else:
                return

    def _create(
        self,
        source_id: str,
        forks: Sequence[tuple[str, NewToken | None]],
        terms: ForkTerms,
        first: NewRepository,
        rows: Sequence[Row],
    ) -> None:
        """first: what it begins with; what that names is named once, for all are made in one transaction."""
        common = replace(
            first,
            owner=terms.owner,
            source_id=source_id,
            read_only=terms.read_only,
        )
        others = replace(common, blobs=(), rows=())
        new = [replace(others if at else common, id=fork_id, token=token) for at, (fork_id, token) in enumerate(forks)]
        self._catalog.create_repositories(new, rows, quota=self._quota)

    def _part(
        self, source_id: str, point: ForkPoint, actor: Actor, cancel: Cancel
    ) -> tuple[NewRepository, Sequence[Row]]:
        state = self._loader.load(source_id)
        if point.first_version not in (None, state.record.first_version):
            raise RepositoryMissing(f"repository {source_id} was deleted; its id belongs to another one now")
        manifest = self._manifest(state, point, actor, cancel)
        data = encode_manifest(manifest)
        new = NewRepository(
            "",
            None,
            manifest.time_ms // 1000,
            digest_of(data),
            source_first_version=state.record.first_version,
            blobs=[BlobKey(pack.digest, pack.generation) for pack in manifest.packs if pack.place is PackPlace.BLOB],
            rows=self._named_rows(manifest),
            size_bytes=sum(pack.size_bytes for pack in manifest.packs),
        )
        return new, [Row(RowKind.MANIFEST, digest_of(data), data)]

    def _named_rows(self, manifest: Manifest) -> list[RowKey]:
        packs = [RowKey(pack.digest, RowKind.PACK) for pack in manifest.packs if pack.place is PackPlace.TAIL]
        blocks = [block.digest for block in manifest.refs.index]
        leaves = [leaf.digest for block in blocks for leaf in decode_index(self._loader.load_block(block))]
        return [*packs, *(RowKey(digest, RowKind.REF_BLOCK) for digest in (*blocks, *leaves))]

    def _manifest(self, state: RepositoryState, point: ForkPoint, actor: Actor, cancel: Cancel) -> Manifest:
        chooser = _Chooser(self._loader, self._visibility, self._history.hidden, state, cancel)
        if point.at_ms is None:
            head, refs = chooser.choose(state, point)
        else:
            then = self._history.as_state(state, self._history.at(state, point.at_ms, cancel))
            head, refs = chooser.choose_of_past(then, point)
        return replace(
            state.manifest,
            head=head,
            parent=None,
            time_ms=now_ms(),
            actor=actor.subject,
            request_id=actor.request_id,
            kind=PublishKind.FORK,
            sealed=state.manifest.sealed and refs == state.manifest.refs,
            refs=refs,
        )


class _Chooser:
    """Chooses refs of a source, by what is stored of it now."""

    def __init__(
        self, loader: StateLoader, visibility: Visibility, hidden: HiddenRefs, newest: RepositoryState, cancel: Cancel
    ) -> None:
        self._loader = loader
        self._visibility = visibility
        self._hidden = hidden
        self._newest = newest
        self._stored = loader.objects(newest.manifest)
        self._cancel = cancel

    def choose(self, then: RepositoryState, point: ForkPoint) -> tuple[bytes, RefTable]:
        """HEAD and the refs of a fork. then: the newest state or a past one. Raises ForkPointUnknown, StateGone."""
        if point.ref is None and point.commit is None:
            return then.manifest.head, then.manifest.refs
        chosen = None if point.ref is None else self._entry(then, point.ref)
        name = then.manifest.head if chosen is None else chosen.name
        if point.commit is not None:
            chosen = self._moved(then, name, chosen, point.commit)
        assert chosen is not None  # noqa: S101  # for the type checker: one of both was given
        entries = [chosen] if is_branch(name) else [chosen, *self._branch_at(then.manifest.head, chosen)]
        refs, _ = build_table(
            sorted(entries, key=lambda entry: entry.name), oid_len=then.manifest.oid_len, load=self._loader.load_block
        )
        return (name if is_branch(name) else then.manifest.head), refs

    def choose_of_past(self, then: RepositoryState, point: ForkPoint) -> tuple[bytes, RefTable]:
        """The same, if all that is chosen is stored still."""
        try:
            head, refs = self.choose(then, point)
            if all(self._stored.contains(value) for values in refs.values() for value in values):
                return head, refs
        except RowMissing as error:
            raise StateGone(f"refs of that time are no longer kept: {error}") from error
        raise StateGone("what the refs reached then is no longer stored: it is beyond the retention of history")

    def _entry(self, then: RepositoryState, ref: str) -> RefEntry:
        name = RefLookup(then, self._hidden).full_name(ref.encode())
        entry = None if name is None else then.manifest.refs.get(name)
        if entry is None:
            raise ForkPointUnknown(f"no ref {ref[:80]!r}")
        return entry

    def _moved(self, then: RepositoryState, name: bytes, of: RefEntry | None, commit: bytes) -> RefEntry:
        """A branch at a commit that the ref reaches, or that any does if none is given."""
        if not is_branch(name):
            raise ForkPointUnknown(f"{name.decode(errors='replace')} is no branch, and so cannot be at another commit")
        if not self._reaches(then, of, commit):
            raise ForkPointUnknown(f"no commit {commit.hex()} that the refs reach")
        return RefEntry(name, commit)

    def _reaches(self, then: RepositoryState, of: RefEntry | None, commit: bytes) -> bool:
        header = self._stored.header(commit)
        if header is None or header[0] != "commit":
            return False
        if of is None and then is self._newest:
            return self._visibility.usable(then).contains(commit)
        tips = {of.oid} if of is not None else {value for values in then.manifest.refs.values() for value in values}
        stored = [tip for tip in tips if self._stored.contains(tip)]
        return bool(self._stored.reached_among(stored, [commit], cancel=self._cancel))

    def _branch_at(self, head: bytes, entry: RefEntry) -> list[RefEntry]:
        """HEAD's branch where a tag is, so that the fork can be checked out; nowhere for a tag of something else."""
        target = entry.peeled or entry.oid
        header = self._stored.header(target)
        return [RefEntry(head, target)] if header is not None and header[0] == "commit" else []
