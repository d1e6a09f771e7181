"""One import as a job: made while it is held, ended by a sentence or a success."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from functools import cached_property, partial

import trio

from core_ext import CoreError
from packengine.protocol import ProtocolError
from packengine.protocol.client import AnswerLimits, RemoteRefused
from packengine.repository import Engine, RepositoryError
from packengine.repository.publish import now_ms
from packengine.repository.remote_import import RemoteImport
from packengine.repository.state import RepositoryState
from packengine.storage.job_ports import JobRecord, JobState
from packengine.storage.ports import StorageError
from server.config import Settings
from server.git.native import WorkerThreads
from server.imports.asking import policy_of
from server.imports.connecting import Connector, Resolve, resolve
from server.imports.failures import ImportFailed
from server.imports.orders import ImportOrder
from server.imports.progress import ImportProgress
from server.imports.remote import Remote
from server.imports.remote_url import Credentials
from server.imports.transfer import Transfer
from server.jobs.holds import JobHold

RENEW_S = 2.0
"""How often it is told how far it is. Many times fit into a holder's time, so some may fail."""

MAX_ATTEMPTS = 3
"""A job whose workers were killed so often may be what killed them."""

_INTERNAL = "the server could not make the import; its operator finds the reason in the log"
_log = logging.getLogger("packhouse.imports")


@dataclass
class _Made:
    """What became of it so far."""

    transfer: Transfer | None = None
    error: str | None = None
    is_late: bool = False

    @property
    def is_published(self) -> bool:
        return self.transfer is not None and self.transfer.outcome is not None


@dataclass(frozen=True, slots=True)
class _Begun:
    state: RepositoryState
    work: RemoteImport
    credentials: Credentials | None
    trust: ssl.SSLContext


@dataclass
class ImportRunner:
    """Makes imports for one worker."""

    engine: Engine
    settings: Settings
    holder: str
    resolver: Resolve = resolve
    threads: WorkerThreads = field(init=False)

    def __post_init__(self) -> None:
        self.threads = WorkerThreads(2 * self.settings.imports_at_once)  # one works, one renews
        self._policy = policy_of(self.settings)

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Whose certificates hold: the system's, or those that SSL_CERT_FILE names. Reads files."""
        return ssl.create_default_context()

    async def run(self, job: JobRecord) -> None:
        """Make a job that this worker holds. Cancelled, it gives the job back."""
        attempts = ImportProgress.of(job).attempts + 1
        progress = ImportProgress(attempts=attempts, started_at_ms=now_ms())
        hold = JobHold(self.engine.catalog, job.id, self.holder, progress)
        made = _Made()
        if attempts > MAX_ATTEMPTS:
            made.error = f"{MAX_ATTEMPTS} workers died of it"
        try:
            if made.error is None and await self.threads.run(hold.renew):
                await self._make_while_held(job, hold, made)
        finally:
            is_ours_to_end = made.is_published or made.is_late or made.error is not None or hold.is_cancelled
            with trio.CancelScope(shield=True):
                if is_ours_to_end:
                    await self.threads.run(partial(self._end, job, hold, made))
                elif not hold.is_lost:
                    await self.threads.run(hold.give_back)

    async def _make_while_held(self, job: JobRecord, hold: JobHold[ImportProgress], made: _Made) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, hold, made, nursery.cancel_scope)
            with trio.move_on_after(self.settings.import_timeout_secs) as limit:
                await self._make(job, hold, made)
            made.is_late = limit.cancelled_caught
            nursery.cancel_scope.cancel()

    async def _keep(self, hold: JobHold[ImportProgress], made: _Made, scope: trio.CancelScope) -> None:
        while True:
            await trio.sleep(RENEW_S)
            if made.transfer is not None:
                made.transfer.count()
            if not await self.threads.run(hold.renew):
                scope.cancel()

    async def _make(self, job: JobRecord, hold: JobHold[ImportProgress], made: _Made) -> None:
        try:
            await self._transfer(job, hold, made)
        except RemoteRefused as error:
            made.error = f"the remote refuses: {error}"
        except (ImportFailed, ProtocolError, RepositoryError, StorageError) as error:
            made.error = str(error)
        except CoreError as error:
            made.error = f"the pack could not be taken in: {error}"
        except Exception:  # noqa: BLE001  # logged; a defect of ours must not end the requests beside it
            _log.exception("an import failed", extra={"fields": {"job": job.id, "repository": job.repository_id}})
            made.error = _INTERNAL

    async def _transfer(self, job: JobRecord, hold: JobHold[ImportProgress], made: _Made) -> None:
        order = ImportOrder.of(job)
        with self.engine.open_states.hold() as held:
            begun = await self.threads.run(partial(self._begin, job, order, hold))
            connector = Connector(self._policy, begun.trust, self.resolver)
            made.transfer = Transfer(
                Remote(order.remote, begun.credentials, connector, silence_s=self.settings.request_timeout_secs),
                begun.work,
                begun.state.manifest.object_format,
                AnswerLimits(max_pack_bytes=begun.work.max_pack_bytes),
                hold.progress,
                threads=self.threads,
                check=held.check,
            )
            await made.transfer.run()

    def _begin(self, job: JobRecord, order: ImportOrder, hold: JobHold[ImportProgress]) -> _Begun:
        """What reads the catalog and files. Not on the event loop."""
        state = self.engine.load(job.repository_id)
        work = RemoteImport(
            self.engine.pushes,
            state,
            order.wish,
            order.actor(job),
            access=order.access(job),
            may_publish=hold.renew,
        )
        return _Begun(state, work, order.credentials(self.engine.catalog, job.id), self.trust)

    def _end(self, job: JobRecord, hold: JobHold[ImportProgress], made: _Made) -> None:
        state, error = self._verdict(hold, made)
        if made.transfer is not None:
            made.transfer.count()
        hold.end(state, error)
        fields = {"job": job.id, "repository": job.repository_id, "state": state.value, "error": error}
        _log.info("import ended", extra={"fields": {**fields, "moved": hold.progress.moved}})

    def _verdict(self, hold: JobHold[ImportProgress], made: _Made) -> tuple[JobState, str | None]:
        """What was published counts, also where the import was to be cancelled just then."""
        outcome = made.transfer.outcome if made.transfer is not None else None
        if outcome is not None:
            hold.progress.moved = outcome.moved
            hold.progress.refuse(outcome.refused)
            if outcome.refused and outcome.committed is None:
                (name, reason), *_ = outcome.refused
                return JobState.FAILED, f"no ref was moved: {name.decode(errors='replace')}: {reason}"
            return JobState.DONE, None
        if hold.is_cancelled:
            return JobState.CANCELLED, None
        if made.is_late:
            return JobState.FAILED, f"it took more than {self.settings.import_timeout_secs:g} s"
        return JobState.FAILED, made.error
