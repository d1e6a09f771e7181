"""The bulk of a clone as static files: bundles and stored packs, for Git clients and for the caches before us.

Who may download is whoever could fetch: by the usual token, or by a signed URL, which a fetch or a list of bundles
hands out and which works without a token for a while. What may be downloaded is asked at each request: see
packengine.repository.bundles.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from hypercorn.typing import HTTPScope

from core_ext import Cancel
from packengine.repository import Bundle, Engine, RepositoryState, StoredPack
from packengine.storage import derive_key
from packengine.storage.ports import CatalogBusy, RepositoryMissing
from server.asgi import record_of
from server.auth.git_tokens import UNAUTHORIZED, GitAuthenticator, GitRefusal
from server.config import Settings
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.held import check_held
from server.git.native import WorkerThreads
from server.git.routes import DownloadKind, DownloadRoute
from server.git.signed_urls import PURPOSE, UrlSigner
from server.git.static_answer import Conditions, Content, StaticAnswer, answer_for

_METHODS = ("GET", "HEAD")
_PIECE_BYTES = 1 << 19
_CONTENT_TYPES = {
    DownloadKind.BUNDLE: "application/x-git-bundle",
    DownloadKind.PACK: "application/x-git-packed-objects",
}
_TEXT = (b"content-type", b"text/plain; charset=utf-8")


class DownloadUrls:
    """Signed URLs of one store's downloads. All processes make the same ones."""

    def __init__(self, settings: Settings, secret: bytes) -> None:
        key = derive_key(secret, PURPOSE)
        self.signer = UrlSigner(key, lifetime_s=settings.signed_url_lifetime_secs)

    def bundle_url(self, state: RepositoryState, bundle: Bundle, base_url: str) -> str:
        """Where to get a bundle that was offered for this state."""
        return self._url(DownloadRoute(state.record.id, DownloadKind.BUNDLE, bundle.digest), state, base_url)

    def pack_url(self, state: RepositoryState, pack: StoredPack, base_url: str) -> str:
        """Where to get a pack that is part of an answer from this state."""
        return self._url(DownloadRoute(state.record.id, DownloadKind.PACK, pack.digest), state, base_url)

    def _url(self, route: DownloadRoute, state: RepositoryState, base_url: str) -> str:
        return base_url + self.signer.sign(route.path, state.record.first_version)


@dataclass(frozen=True, slots=True)
class _Access:
    """A download that may go on."""

    state: RepositoryState
    actor: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file to be sent, and what the answer says of it."""

    file: BinaryIO
    content: Content


class Downloads:
    """Serves GET and HEAD of bundles and packs."""

    def __init__(
        self,
        engine: Engine,
        urls: DownloadUrls,
        authenticator: GitAuthenticator,
        settings: Settings,
        lookups: WorkerThreads,
    ) -> None:
        self._engine = engine
        self._signer = urls.signer
        self._authenticator = authenticator
        self._is_offered = {DownloadKind.BUNDLE: settings.bundle_uri, DownloadKind.PACK: settings.packfile_uris}
        self._private = f"private, max-age={settings.signed_url_lifetime_secs}, immutable"
        self._lookups = lookups
        cores = os.cpu_count() or 1
        # Building waits for others who build the same; whoever only reads does not queue behind that.
        self._readers = WorkerThreads(4 * cores)
        self._builders = WorkerThreads(max(cores, 2), max_waiting=settings.max_waiting_requests)

    async def serve(self, exchange: GitExchange, scope: HTTPScope, route: DownloadRoute) -> None:
        """Answer one request. Raises Overloaded for a bundle that is to be built while too many wait for that."""
        record = record_of(scope)
        record.template, record.repository_id = route.template, route.repository_id
        if scope["method"] not in _METHODS:
            await _refuse(exchange, 405, "use GET or HEAD", (b"allow", ", ".join(_METHODS).encode()))
            return
        access = await self._lookups.run(partial(self._authorize, exchange, scope["query_string"], route))
        if isinstance(access, GitRefusal):
            await exchange.answer(access.status, access.body, *access.headers)
            return
        record.actor = access.actor
        try:
            opened = await self._open(route, access)
        except FAILURES as failure:
            status, headers = (503, [(b"retry-after", b"1")]) if isinstance(failure, CatalogBusy) else (500, [])
            await _refuse(exchange, status, sentence_for(failure).decode(), *headers)
            return
        if opened is None:
            await _refuse(exchange, 404, "no such download now; ask for the refs or the bundles again")
            return
        with opened.file:
            await self._send_while_client_stays(exchange, opened, is_head=scope["method"] == "HEAD")

    def _authorize(self, exchange: GitExchange, query: bytes, route: DownloadRoute) -> _Access | GitRefusal:
        """By signature, else by token. What is refused is refused without a look at whether the repository exists."""
        signed = self._signer.verify(route.path, query)
        if signed is None:
            return self._authorize_token(exchange, route)
        state = self._load(route)
        if state is None or state.record.first_version != signed.first_version:
            return UNAUTHORIZED
        # Whoever can ask a shared cache for this URL has the signature, and so may have the bytes as long as it lasts.
        return _Access(state, "signed-url", f"public, max-age={signed.remaining_s}, immutable")

    def _authorize_token(self, exchange: GitExchange, route: DownloadRoute) -> _Access | GitRefusal:
        header = exchange.header(b"authorization")
        text = header.decode("latin-1") if header is not None else None
        verdict = self._authenticator.authorize(route.repository_id, text, "git-upload-pack")
        if isinstance(verdict, GitRefusal):
            return verdict
        state = self._load(route)
        return UNAUTHORIZED if state is None else _Access(state, verdict.subject, self._private)

    def _load(self, route: DownloadRoute) -> RepositoryState | None:
        try:
            return self._engine.load(route.repository_id)
        except RepositoryMissing:
            return None

    async def _open(self, route: DownloadRoute, access: _Access) -> _Opened | None:
        if not self._is_offered[route.kind]:
            return None
        open_now = self._open_bundle if route.kind is DownloadKind.BUNDLE else self._open_pack
        found = await self._readers.run(partial(open_now, route, access.state))
        if isinstance(found, Bundle):
            self._builders.refuse_if_full()
            cancel, bundle = Cancel(), found
            found = await self._builders.run(lambda: self._engine.bundles.build(bundle, cancel), stop=cancel.set)
        return None if found is None else await self._readers.run(partial(_measured, found, route, access))

    def _open_bundle(self, route: DownloadRoute, state: RepositoryState) -> BinaryIO | Bundle | None:
        """The file; or the bundle, if it must be built first."""
        bundle = self._engine.bundles.find(state, route.digest)
        return None if bundle is None else self._engine.bundles.open(bundle) or bundle

    def _open_pack(self, route: DownloadRoute, state: RepositoryState) -> BinaryIO | None:
        return self._engine.bundles.open_pack(state, route.digest)

    async def _send_while_client_stays(self, exchange: GitExchange, opened: _Opened, *, is_head: bool) -> None:
        """Only sending stops with the client: a build goes on for the next, or a proxy's time limit would undo it."""
        async with exchange.while_client_stays():
            await self._send(exchange, opened, is_head=is_head)

    async def _send(self, exchange: GitExchange, opened: _Opened, *, is_head: bool) -> None:
        answer = answer_for(opened.content, _conditions(exchange, is_head=is_head))
        await exchange.begin(answer.status, *answer.headers)
        if not is_head:
            await self._send_body(exchange, opened.file, answer)
        await exchange.end()

    async def _send_body(self, exchange: GitExchange, file: BinaryIO, answer: StaticAnswer) -> None:
        at = answer.start
        while at < answer.stop:
            check_held()
            piece = await self._readers.run(_reader(file, min(_PIECE_BYTES, answer.stop - at), at))
            if not piece:
                raise OSError(f"{file.name}: ends at byte {at} of {answer.stop}")
            await exchange.write(piece)
            at += len(piece)


def _measured(file: BinaryIO, route: DownloadRoute, access: _Access) -> _Opened:
    """A pack is named by its bytes; a bundle by what it holds, so that only its trailer tells its bytes."""
    size_bytes = os.fstat(file.fileno()).st_size
    etag = route.digest.hex()
    if route.kind is DownloadKind.BUNDLE:
        trailer_bytes = access.state.manifest.oid_len
        trailer = os.pread(file.fileno(), trailer_bytes, max(size_bytes - trailer_bytes, 0))
        etag = f"{etag[:16]}-{trailer.hex()}"
    return _Opened(file, Content(size_bytes, etag, _CONTENT_TYPES[route.kind], access.cache_control))


def _reader(file: BinaryIO, count: int, offset: int) -> Callable[[], bytes]:
    return lambda: os.pread(file.fileno(), count, offset)


def _conditions(exchange: GitExchange, *, is_head: bool) -> Conditions:
    def text(name: bytes) -> str | None:
        value = exchange.header(name)
        return None if value is None else value.decode("latin-1")

    if_none_match = text(b"if-none-match")
    return Conditions(if_none_match) if is_head else Conditions(if_none_match, text(b"if-range"), text(b"range"))


async def _refuse(exchange: GitExchange, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    await exchange.answer(status, f"{text}\n".encode(), _TEXT, *headers)
