"""Forks: second pointers to a source's manifest, or to a new one that shows a part of what the source holds.

A fork of the whole is one metadata write. A fork at a ref, a commit or a time has a manifest of its own, without
parent, over the packs of its source: what its refs do not reach is not shown (design, law 8), nor is any past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core_ext import Cancel
from packengine.manifests import Manifest, PackPlace, PublishKind, digest_of, encode_manifest
from packengine.refs.blocks import decode_index
from packengine.repository.actor import Actor
from packengine.repository.fork_points import ForkPoint, PointChooser
from packengine.repository.history import History
from packengine.repository.limits import Limits
from packengine.repository.publish import now_ms
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
        common = replace(first, owner=terms.owner, source_id=source_id, read_only=terms.read_only)
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
        chooser = PointChooser(self._loader, self._visibility, self._history.hidden, state, cancel)
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
