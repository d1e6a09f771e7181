"""What is known about a request in flight; the applications add to it, the log line tells it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hypercorn.typing import HTTPScope

from packengine.protocol import Client

LimitName = Literal["rate_limited", "quota_exceeded", "repo_byte_quota_exceeded"]

_STATE_KEY = "packhouse.request"
_REQUEST_ID_MAX_BYTES = 128


@dataclass(slots=True)
class RequestRecord:
    """One request. An application sets `template`, `repository_id` and `actor` as soon as it knows them."""

    request_id: str
    method: str
    template: str = "-"
    """The route's template, never the path itself: a path may hold anything."""

    repository_id: str | None = None
    actor: str | None = None
    client: Client | None = None
    """What a Git client says of itself."""

    client_address: str | None = None
    """The other end of the connection: the client, or the proxy in front of us."""

    is_answered: bool = False
    """Whether the answer was sent to its end."""
    cache: str | None = None
    """How the pack of a fetch came: `hit`, `miss`, `joined` (one that was being made), `whole` (as stored) or `off`."""

    limit: LimitName | None = None
    """Which limit refused it, by the name of its metric."""

    status: int | None = None
    received_bytes: int = 0
    sent_bytes: int = 0


def open_record(scope: HTTPScope) -> RequestRecord:
    """Start the record of a request and tie it to the scope."""
    peer = scope.get("client")
    record = RequestRecord(
        request_id=_request_id(scope), method=scope["method"], client_address=peer[0] if peer else None
    )
    scope.setdefault("state", {})[_STATE_KEY] = record  # type: ignore[typeddict-item]  # a NewType of dict
    return record


def record_of(scope: Mapping[str, Any]) -> RequestRecord:
    """The record that `open_record` tied to the scope."""
    record = scope["state"][_STATE_KEY]
    assert isinstance(record, RequestRecord)  # noqa: S101  # for the type checker: nobody else writes the key
    return record


def _request_id(scope: HTTPScope) -> str:
    """The client's own id if it can stand in a log line, else 32 hex digits."""
    for name, value in scope["headers"]:
        if name.lower() == b"x-request-id" and _is_usable(value):
            return value.decode("ascii")
    return secrets.token_hex(16)


def _is_usable(value: bytes) -> bool:
    return 1 <= len(value) <= _REQUEST_ID_MAX_BYTES and all(0x20 <= octet <= 0x7E for octet in value)
