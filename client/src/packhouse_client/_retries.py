"""Whether a request is sent again, and when: no clock and no socket in here."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from packhouse_client._answers import failure
from packhouse_client._call import Request
from packhouse_client.errors import ConnectionFailed

_WAITABLE = (429, 503)
_FIRST_PAUSE_S = 0.2
_MAX_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Retries:
    """How much patience there is. attempts: in all, the first one too. wait_s: the longest single pause."""

    attempts: int = 4
    wait_s: float = 30.0


class Exchange:
    """One request, however often it is sent. Each method tells the pause before the next attempt, or raises."""

    def __init__(self, request: Request, retries: Retries) -> None:
        self._request = request
        self._retries = retries
        self._attempts = 0

    def after_failure(self, response: httpx.Response) -> float:
        """Only a server that says when to come back is asked again: then it did nothing, whatever the request.

        Raises the answer's failure.
        """
        pause_s = _retry_after(response)
        if pause_s is None or not self._is_patient(pause_s):
            raise failure(response)
        return pause_s

    def after_silence(self, error: httpx.TransportError) -> float:
        """No answer came. The server may have done it all the same, so only what is repeatable is sent again.

        Raises ConnectionFailed.
        """
        pause_s = _FIRST_PAUSE_S * 2.0**self._attempts
        if not self._request.is_repeatable or not self._is_patient(pause_s):
            raise ConnectionFailed(f"{self._request.method} {error.request.url}: {_reason(error)}") from error
        return pause_s

    def _is_patient(self, pause_s: float) -> bool:
        self._attempts += 1
        return self._attempts < self._retries.attempts and pause_s <= self._retries.wait_s


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    is_number = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return float(text) if is_number and response.status_code in _WAITABLE else None


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
