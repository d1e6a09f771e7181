"""What a purge was asked to do, as it is kept with its job."""

from __future__ import annotations

import secrets

import msgspec

from packengine.maintenance.purging import PurgeTarget
from packengine.repository import Actor
from packengine.repository.browsing import path_bytes
from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobRecord, NewJob
from packengine.storage.ports import RepositoryRecord

PURGE = "purge"
"""The kind of these jobs."""


class PurgeOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The request of a job of this kind: a blob, or a path."""

    sha: str | None = None
    path: str | None = None
    is_admin: bool = False
    request_id: str = ""

    @classmethod
    def of(cls, job: JobRecord) -> PurgeOrder:
        """What the job is to do."""
        return msgspec.json.decode(job.request, type=cls)

    def target(self, blobs: list[str]) -> PurgeTarget:
        """What is to go. blobs: what an earlier attempt found already."""
        known = frozenset(map(bytes.fromhex, blobs))
        if self.path is None:
            return PurgeTarget(known | {bytes.fromhex(self.sha or "")})
        return PurgeTarget(known, path_bytes(self.path))

    def actor(self, job: JobRecord) -> Actor:
        """Who asked, and in which request."""
        return Actor(subject=job.subject or "", request_id=self.request_id)

    def may_purge(self, job: JobRecord, record: RepositoryRecord) -> bool:
        """Whether who asked may do the same to another repository."""
        return self.is_admin or (record.owner is not None and record.owner == job.subject)


def new_purge(sha: str | None, path: str | None, actor: Actor, *, is_admin: bool) -> NewJob:
    """A job to be added."""
    order = PurgeOrder(sha, path, is_admin, actor.request_id)
    return NewJob(secrets.token_hex(16), PURGE, actor.subject, msgspec.json.encode(order).decode(), now_ms())
