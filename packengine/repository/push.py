"""A push: commands, then a pack, then one publish (design, section 4).

The pack is ingested in quarantine before anything is decided. What the decision reads of the repository (old values,
names, closure) is read in `_derive`, which the publisher calls again whenever another publish came first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core_ext import Cancel, CoreError, IngestedPack, PackIngest
from packengine.manifests import PublishKind
from packengine.protocol import PushCommands
from packengine.repository.actor import Actor
from packengine.repository.errors import AccessEnded
from packengine.repository.packs import open_ingest
from packengine.repository.provenance import Provenance
from packengine.repository.publish import REFS_LOGGED, Draft
from packengine.repository.push_drafts import PushDrafts, PushMeans
from packengine.repository.ref_access import RefAccess
from packengine.repository.state import RepositoryState
from packengine.signatures import CertificateRefused
from packengine.storage.ports import Committed

_UNPACKER = "unpacker error"
_EVERYTHING = RefAccess.everything()

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeltaCount:
    """How far a push's deltas are resolved."""

    resolved: int = 0
    total: int = 0
    thin_bases: int = 0
    """Objects of the repository that completed a thin pack; known at the end."""


@dataclass(frozen=True, slots=True)
class PushOutcome:
    """What became of a push. `committed` is there if, and only if, at least one command was published."""

    committed: Committed | None
    unpack_error: str | None
    verdicts: Sequence[tuple[bytes, str | None]]
    """(ref, None if it was moved, else the reason it was not), in the order of the commands."""

    warnings: Sequence[str]
    """Sentences for the person who pushes."""

    deltas: DeltaCount = DeltaCount()


class PushService(PushMeans):
    """Begins pushes to the repositories of one engine."""

    def begin(
        self,
        state: RepositoryState,
        request: PushCommands,
        actor: Actor,
        *,
        may_push: Callable[[], bool] = lambda: True,
        access: RefAccess = _EVERYTHING,
        kind: PublishKind = PublishKind.PUSH,
    ) -> Push:
        """A push of these commands; feed it the pack that follows them, then `finish`.

        may_push: whether the actor still may, asked each time the push is derived: a pack can take hours to arrive.
        access: which refs the actor may move. A signer comes from the request's certificate. kind: of the publish.
        A certificate is judged here, for it is to be fresh when it arrives, not when its pack has. One that fails
        refuses the push; its pack is read all the same. Cost: verifying a signature, so call it in a worker thread.
        """
        try:
            signer = self.policy.signer(request, state)
        except CertificateRefused as refused:
            return Push(self, state, request, actor, may_push, access, kind, refusal=str(refused))
        access = access if signer is None else replace(access, signer=signer)
        return Push(self, state, request, actor, may_push, access, kind)


class Push:
    """One push under way. Dropping it, finished or not, leaves nothing behind but what was published."""

    def __init__(
        self,
        means: PushMeans,
        state: RepositoryState,
        request: PushCommands,
        actor: Actor,
        may_push: Callable[[], bool],
        access: RefAccess,
        kind: PublishKind,
        *,
        refusal: str | None = None,
    ) -> None:
        self._means = means
        self._state = state
        self._request = request
        self._commands = request.commands
        self._actor = actor
        self._may_push = may_push
        self._kind = kind
        self._provenance = Provenance(request.push_options, access.signer)
        self._refusal = refusal
        self._cancel = Cancel()
        self._ingest: PackIngest | None = None
        self._feed_error: str | None = None
        self._drafts = PushDrafts(means, access)
        self._ingested: IngestedPack | None = None

    def feed(self, chunk: bytes) -> None:
        """Take in bytes of the pack. A damaged pack is remembered, and the rest of it read and forgotten.

        A client sends all of its pack before it reads an answer; one that stops reading early deadlocks it.
        """
        if self._feed_error is not None or self._refusal is not None:
            return
        try:
            used = self._pack_ingest().feed(chunk)
            if used < len(chunk):
                self._feed_error = f"{len(chunk) - used} bytes after the pack's trailer"
        except CoreError as error:
            self._feed_error = str(error)
        except OSError as error:  # the quarantine's disk is full, which is no reason to stop reading
            self._feed_error = self._disk_error(error)

    def delta_count(self) -> DeltaCount:
        """How far it has come, while `finish` runs. From any thread."""
        ingest = self._ingest
        if ingest is None:
            return DeltaCount()
        _, _, _, resolved, total = ingest.progress()
        return DeltaCount(resolved, total)

    def cancel(self) -> None:
        """Stop the native work of this push; from any thread. What runs raises `Cancelled`."""
        self._cancel.set()

    def finish(self) -> PushOutcome:
        """Decide and publish. The outcome's `ok`s are durable.

        Raises AccessEnded, RepositoryMissing, LimitReached, OwnerBytesExceeded.
        """
        outcome = self._finish()
        refused = [f"{ref.decode(errors='replace')}: {why}" for ref, why in outcome.verdicts if why is not None]
        if refused:
            fields = {"unpack_error": outcome.unpack_error, "refused": refused[:REFS_LOGGED], **self._log_fields()}
            _log.info("push refused", extra={"fields": fields})
        return outcome

    def refused(self, reason: str) -> PushOutcome:
        """The outcome of a push that was refused as a whole."""
        return PushOutcome(None, None, [(command.name, reason) for command in self._commands], ())

    def _log_fields(self) -> dict[str, str | None]:
        actor = self._actor
        return {"repository": self._state.record.id, "actor": actor.subject, "request_id": actor.request_id}

    def _disk_error(self, error: OSError) -> str:
        """What to tell the client; the operator, whose disk it is, is told in the log."""
        fields = {"quarantine": str(self._means.quarantine), "reason": str(error), **self._log_fields()}
        _log.error("a push could not be kept", extra={"fields": fields})
        return str(error)

    def _finish(self) -> PushOutcome:
        if self._refusal is not None:
            return self.refused(self._refusal)
        unpack_error = self._feed_error or self._finish_ingest()
        if unpack_error is not None:
            self._drop_pack()
            return PushOutcome(None, unpack_error, [(c.name, _UNPACKER) for c in self._commands], ())
        warnings = [f"{oid.hex()}: {text}" for oid, _, text in self._ingested.warnings] if self._ingested else []
        count = self.delta_count()
        deltas = DeltaCount(count.resolved, count.total, self._ingested.thin_base_count if self._ingested else 0)
        committed = self._means.publisher.publish(
            self._state, self._actor, self._kind, self._derive, self._provenance, is_quick=self._is_small
        )
        verdicts = [(c.name, reason) for c, reason in zip(self._commands, self._drafts.plan.reasons, strict=True)]
        self._drop_pack()
        return PushOutcome(committed, None, verdicts, [*warnings, *self._drafts.plan.remarks], deltas)

    @property
    def _is_small(self) -> bool:
        """Whether the pack is in memory, and so is judged in a moment."""
        return self._ingested is None or self._ingested.pack_path is None

    def _drop_pack(self) -> None:
        self._ingest = self._ingested = None
        self._drafts.drop_pack()

    def _pack_ingest(self) -> PackIngest:
        if self._ingest is None:
            means, object_format = self._means, self._state.manifest.object_format
            self._ingest = open_ingest(means.quarantine, object_format, means.limits, self._cancel)
        return self._ingest

    def _finish_ingest(self) -> str | None:
        if self._ingest is None:
            return "early EOF: the pack is missing" if self._request.expects_pack else None
        try:
            ingested = self._ingest.finish(self._means.visibility.usable(self._state))
        except CoreError as error:
            return str(error)
        except OSError as error:
            return self._disk_error(error)
        self._ingested = ingested if ingested.object_count else None
        return None

    def _derive(self, state: RepositoryState) -> Draft | None:
        if not self._may_push():
            raise AccessEnded("access to the repository ended while the push was under way")
        return self._drafts.draft(state, self._request, self._ingested)
