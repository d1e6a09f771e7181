"""Whose request a task or a worker thread works for, so that whatever it logs can say so."""

from __future__ import annotations

from contextvars import ContextVar

from server.asgi.record import RequestRecord

CURRENT_REQUEST: ContextVar[RequestRecord | None] = ContextVar("current_request", default=None)
"""Trio hands it on to a task's children and to the threads that they start."""


def current_facts() -> dict[str, object]:
    """What a log line says of the request that it belongs to; nothing outside of one."""
    record = CURRENT_REQUEST.get()
    if record is None:
        return {}
    return {"request_id": record.request_id, "repository": record.repository_id, "actor": record.actor}
