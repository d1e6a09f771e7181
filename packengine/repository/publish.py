"""The publish path: the only way a repository changes (design, laws 3 to 7).

A publish derives a draft from a state, makes its bytes durable, and compare-and-swaps the pointer. If another publish
came first, nothing of the draft is kept: it is derived anew from the state that won, with every check that reads state
made again. Since each round that fails is a round in which somebody else's publish succeeded, the loop ends.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from packengine.manifests import Manifest, PackRecord, PublishKind, digest_of, encode_manifest
from packengine.refs import RefChange
from packengine.repository.actor import Actor
from packengine.repository.errors import LimitReached
from packengine.repository.limits import Limits
from packengine.repository.packs import PackIntake
from packengine.repository.provenance import NOTHING_SAID, Provenance
from packengine.repository.state import RepositoryState, StateLoader
from packengine.storage.ports import Catalog, Committed, CondemnedBlob, Publish, Row, RowKind

_log = logging.getLogger(__name__)

REFS_LOGGED = 20
"""A log line names so many refs of a push; the manifests keep all of them."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to change, derived from one state."""

    changes: Sequence[RefChange]
    sealed: bool
    packs: Sequence[PackIntake] = ()
    head: bytes | None = None
    """A new target for HEAD, or None to leave it."""

    drops: frozenset[bytes] = frozenset()
    """Packs that are no longer named, by digest: their objects are in the others. `packs` take the place of these."""


Derive = Callable[[RepositoryState], Draft | None]
"""Make a draft from a state, or None if nothing is to be published. Called once for each round; reads nothing else."""


class Publisher:
    """Moves pointers."""

    def __init__(self, catalog: Catalog, loader: StateLoader, limits: Limits) -> None:
        self._catalog = catalog
        self._loader = loader
        self._limits = limits

    def publish(
        self,
        begun: RepositoryState,
        actor: Actor,
        kind: PublishKind,
        derive: Derive,
        provenance: Provenance = NOTHING_SAID,
    ) -> Committed | None:
        """Publish what `derive` makes of the newest state; None if it wants nothing published. Durable on return.

        begun: the state that the request was let in to. A successor of its id is not published to: RepositoryMissing.
        provenance: told with the publish once it is committed.
        """
        while True:
            state = self._loader.reload(begun)
            draft = derive(state)
            if draft is None:
                return None
            # First of all: what it refuses must leave no blob behind.
            prepared, manifest = self._prepare(state, draft, actor, kind)
            try:
                for pack in draft.packs:
                    pack.store()
                outcome = self._catalog.publish(prepared)
            except CondemnedBlob as error:
                _log.info("packs are stored again", extra={"fields": {"reason": str(error)}})
                for pack in draft.packs:
                    pack.renew()
                continue
            if isinstance(outcome, Committed):
                blocks = {row.digest: row.data for row in prepared.rows if row.kind is RowKind.REF_BLOCK}
                self._loader.keep(prepared.manifest, manifest, blocks)
                self._announce(outcome, actor, kind, draft, provenance)
                return outcome
            fields = {"repository": begun.record.id, "request_id": actor.request_id}
            _log.debug("publish superseded", extra={"fields": fields})

    def _prepare(
        self, state: RepositoryState, draft: Draft, actor: Actor, kind: PublishKind
    ) -> tuple[Publish, Manifest]:
        old = state.manifest
        refs, blocks = old.refs.apply(draft.changes)
        named = {pack.digest for pack in old.packs} - draft.drops
        fresh = [pack for pack in draft.packs if pack.record.digest not in named]
        packs = _packs_after(old.packs, draft.drops, [pack.record for pack in fresh])
        self._check_limits(len(packs), len(refs))
        manifest = replace(
            old,
            head=draft.head or old.head,
            parent=state.pointer.manifest,
            time_ms=max(now_ms(), old.time_ms),
            actor=actor.subject,
            request_id=actor.request_id,
            kind=kind,
            sealed=draft.sealed,
            packs=packs,
            refs=refs,
        )
        data = encode_manifest(manifest)
        rows = [Row(RowKind.REF_BLOCK, digest, block) for digest, block in blocks.items()]
        rows += [row for pack in fresh for row in pack.rows()]
        rows.append(Row(RowKind.MANIFEST, digest_of(data), data))
        blobs = [pack.blob for pack in fresh if pack.blob is not None]
        return Publish(state.record.id, state.pointer, digest_of(data), rows, blobs), manifest

    def _check_limits(self, pack_count: int, ref_count: int) -> None:
        if pack_count > self._limits.max_packs:
            raise LimitReached(f"the repository has {pack_count - 1} packs, the limit is {self._limits.max_packs}")
        if ref_count > self._limits.max_refs:
            raise LimitReached(f"the repository would have {ref_count} refs, the limit is {self._limits.max_refs}")

    @staticmethod
    def _announce(committed: Committed, actor: Actor, kind: PublishKind, draft: Draft, provenance: Provenance) -> None:
        # Law 7: what others hear of a publish follows its commit. The manifest chain is the record; this is a log line.
        _log.info(
            "published",
            extra={
                "fields": {
                    "repository": committed.repository_id,
                    "actor": actor.subject,
                    "request_id": actor.request_id,
                    "kind": kind.value,
                    "version": committed.pointer.version,
                    "ref_count": len(draft.changes),
                    "refs": [_shown(change) for change in draft.changes[:REFS_LOGGED]] or None,
                    **provenance.log_fields(),
                }
            },
        )


def _packs_after(
    old: Sequence[PackRecord], drops: frozenset[bytes], fresh: Sequence[PackRecord]
) -> tuple[PackRecord, ...]:
    """New packs go to the front, or where those were that they replace: whatever is behind a pack stays closed."""
    at = next((place for place, pack in enumerate(old) if pack.digest in drops), 0)
    return (*old[:at], *fresh, *(pack for pack in old[at:] if pack.digest not in drops))


def _shown(change: RefChange) -> str:
    value = "deleted" if change.entry is None else change.entry.oid.hex()
    return f"{change.name.decode(errors='replace')} {value}"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
