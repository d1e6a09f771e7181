"""What a purge does, one thing after the other, in a thread of its own. Each can be done again after a kill."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core_ext import Cancel, Cancelled
from packengine.maintenance.purge_network import NetworkPurger
from packengine.maintenance.purging import PurgeFailed, Purger, PurgeTarget
from packengine.repository import Engine
from packengine.storage.job_ports import JobRecord
from packhouse_client.types.purges import HOLDERS_MAX
from server.purges.orders import PurgeOrder
from server.purges.progress import PurgeProgress


@dataclass
class PurgeWork:
    """One attempt. `progress` is told while it goes on, by other threads.

    may_go_on: whether the job is held still; writes the progress down.
    """

    engine: Engine
    job: JobRecord
    progress: PurgeProgress
    may_go_on: Callable[[], bool]
    cancel: Cancel

    def run(self) -> None:
        """Raises Cancelled, PurgeFailed, and what reading and publishing can raise."""
        order = PurgeOrder.of(self.job)
        purger = Purger(self.engine.parts)
        network = NetworkPurger(self.engine.parts, purger)
        target = self._purge_first(purger, order)
        self._purge_others(network, target, order)
        # What is kept of answers is found by what was asked, and so by nobody any more; but the bytes are there.
        self.engine.forget_answers()
        self._look_for_holders(network, target, order)
        self.engine.let_go_of_deleted()

    def _purge_first(self, purger: Purger, order: PurgeOrder) -> PurgeTarget:
        state, target = self.engine.load(self.job.repository_id), order.target(self.progress.blobs)
        blobs = purger.blobs_of(state, target, self.progress.tell, self.cancel)
        if not blobs:
            raise PurgeFailed(f"no commit has a file with content at {order.path!r}")
        self.progress.blobs = sorted(blob.hex() for blob in blobs)
        self._note()
        target = PurgeTarget(blobs, target.path)
        if not self.progress.is_purged:
            actor = order.actor(self.job)
            purged = purger.purge(state, target, actor, self.may_go_on, self.progress.tell, self.cancel)
            self.progress.take_in(purged, self.engine.hidden_refs)
            self._note()
        return target

    def _purge_others(self, network: NetworkPurger, target: PurgeTarget, order: PurgeOrder) -> None:
        done = network.purge(
            self.job.repository_id,
            target,
            order.actor(self.job),
            lambda record: order.may_purge(self.job, record),
            self.may_go_on,
            self.progress.tell,
            self.cancel,
        )
        for purged in done.purged:
            self.progress.count(purged)
        named = done.holding if order.is_admin else sorted(self._relatives() & set(done.holding))
        self.progress.hold(named, len(done.holding))
        self._note()

    def _relatives(self) -> set[str]:
        """What is no secret to the owner: what it was forked from, and what was forked from it."""
        relatives = set(self.engine.catalog.live_forks(self.job.repository_id))
        source = self.engine.load(self.job.repository_id).record.source_id
        return relatives if source is None else {*relatives, source}

    def _look_for_holders(self, network: NetworkPurger, target: PurgeTarget, order: PurgeOrder) -> None:
        if order.is_admin:  # to others the node is none of their business
            holders = network.holders(target.blobs, HOLDERS_MAX, self.progress.tell, self.cancel)
            self.progress.hold(holders, len(holders))

    def _note(self) -> None:
        if not self.may_go_on():
            raise Cancelled("the purge was stopped")
