"""What an import was asked to do, as it is kept with its job; the credentials sealed, and forgotten with its end."""

from __future__ import annotations

import base64
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from packengine.repository import Actor, RefAccess
from packengine.repository.publish import now_ms
from packengine.repository.remote_refs import ImportWish
from packengine.storage import derive_key
from packengine.storage.job_ports import JobRecord, NewJob
from packengine.storage.ports import Catalog
from server.imports.failures import ImportFailed
from server.imports.remote_url import Credentials, RemoteUrl, parse_remote_url

IMPORT = "import"
"""The kind of these jobs."""

_PURPOSE = b"import credentials 1"
_NONCE_BYTES = 12


class ImportOrder(msgspec.Struct, frozen=True, omit_defaults=True):
    """The request of a job of this kind."""

    url: str
    refs: tuple[str, ...] | None = None
    mirror: bool = False
    is_admin: bool = False
    request_id: str = ""
    secret: str | None = None
    """Credentials, sealed for this job."""

    @classmethod
    def of(cls, job: JobRecord) -> ImportOrder:
        """What the job is to do."""
        return msgspec.json.decode(job.request, type=cls)

    @property
    def wish(self) -> ImportWish:
        """Which refs are taken, and how."""
        return ImportWish(self.refs, self.mirror)

    @property
    def remote(self) -> RemoteUrl:
        """Where from."""
        return parse_remote_url(self.url)[0]

    def actor(self, job: JobRecord) -> Actor:
        """Who asked, and in which request."""
        return Actor(subject=job.subject or "", request_id=self.request_id)

    def access(self, job: JobRecord) -> RefAccess:
        """What the rules of the repository know of who asked."""
        return RefAccess(subject=job.subject, is_admin=self.is_admin)

    def credentials(self, catalog: Catalog, job_id: str) -> Credentials | None:
        """As they were sealed. Raises ImportFailed if they cannot be opened: the store's secret is another one."""
        if self.secret is None:
            return None
        sealed = base64.b64decode(self.secret)
        try:
            data = _cipher(catalog).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], job_id.encode())
        except InvalidTag as error:
            raise ImportFailed("the token that was given with the import cannot be read any more") from error
        return Credentials(*msgspec.json.decode(data, type=tuple[str, str]))


def new_import(
    catalog: Catalog, url: RemoteUrl, credentials: Credentials | None, wish: ImportWish, actor: Actor, *, is_admin: bool
) -> NewJob:
    """A job to be added."""
    job_id = secrets.token_hex(16)
    order = ImportOrder(
        url=str(url),
        refs=wish.patterns,
        mirror=wish.mirror,
        is_admin=is_admin,
        request_id=actor.request_id,
        secret=None if credentials is None else _sealed(catalog, job_id, credentials),
    )
    return NewJob(job_id, IMPORT, actor.subject, msgspec.json.encode(order).decode(), now_ms())


def _sealed(catalog: Catalog, job_id: str, credentials: Credentials) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    data = msgspec.json.encode((credentials.user, credentials.password))
    return base64.b64encode(nonce + _cipher(catalog).encrypt(nonce, data, job_id.encode())).decode()


def _cipher(catalog: Catalog) -> AESGCM:
    return AESGCM(derive_key(catalog.secret(), _PURPOSE))
