"""Public keys behind an https URL, as identity providers publish them."""

from __future__ import annotations

import logging
import ssl
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from threading import Lock, Thread
from typing import Any, NoReturn
from urllib.error import HTTPError

from server.auth.jwks import MAX_JWKS_BYTES, JwtKey, UnusableJwks, parse_keys

FRESH_S = 300
"""So old the keys are when they are asked for again, while those that are known still count."""

MAX_AGE_S = 3600
"""So old they count no more: a key that was withdrawn must not live on because nobody could be asked."""

RETRY_S = 10
FETCH_TIMEOUT_S = 10.0
_log = logging.getLogger(__name__)


class JwksUrl:
    """The keys of a set that is fetched again and again, by a thread that nobody waits for but the start."""

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] | None = None,
        now_s: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """A set that cannot be had now is logged, and asked for again. fetch, now_s, start: for tests."""
        self._url = url
        self._fetch = fetch or fetch_keys
        self._now_s = now_s
        self._start = start or _start_thread
        self._lock = Lock()
        self._keys: tuple[JwtKey, ...] = ()
        self._due_s = self._dead_s = now_s()
        self._refresh()

    def keys(self) -> tuple[JwtKey, ...]:
        """The same object as long as nothing else was fetched."""
        now_s = self._now_s()
        with self._lock:
            is_due = now_s >= self._due_s
            if is_due:
                self._due_s = now_s + FETCH_TIMEOUT_S + RETRY_S
            if now_s >= self._dead_s:
                self._keys = ()
        if is_due:
            self._start(self._refresh)
        return self._keys

    def _refresh(self) -> None:
        asked_s = self._now_s()
        try:
            keys = parse_keys(self._fetch(self._url))
        except UnusableJwks as error:
            fields = {"url": self._url, "reason": str(error)}
            _log.error("keys for JSON Web Tokens cannot be had", extra={"fields": fields})
            with self._lock:
                self._due_s = self._now_s() + RETRY_S
            return
        with self._lock:
            self._due_s, self._dead_s = asked_s + FRESH_S, asked_s + MAX_AGE_S
            self._keys = keys


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """What is configured is what is believed."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> NoReturn:
        """See HTTPRedirectHandler."""
        raise HTTPError(req.full_url, code, f"{msg}: a redirection to {newurl}, which is not followed", headers, fp)


def fetch_keys(url: str, trust: ssl.SSLContext | None = None) -> bytes:
    """The body of the answer. Raises UnusableJwks."""
    handler = urllib.request.HTTPSHandler(context=trust or ssl.create_default_context())
    opener = urllib.request.build_opener(handler, _NoRedirects())
    try:
        with opener.open(url, timeout=FETCH_TIMEOUT_S) as answer:
            body: bytes = answer.read(MAX_JWKS_BYTES + 1)
    except (OSError, HTTPException) as error:  # among them what urllib makes of answers other than 200
        raise UnusableJwks(str(error)) from error
    return body


def _start_thread(run: Callable[[], None]) -> None:
    Thread(target=run, name="jwks", daemon=True).start()
