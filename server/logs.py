"""Log lines on stderr, as text for people or as JSON for collectors: one line an event, its facts as fields.

Facts travel in `extra={"fields": {...}}`; a field of None is left out. No token is ever a field or part of a message.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from server.asgi.context import current_facts
from server.config import Settings

_PLAIN = re.compile(r"[!#-<>-~]+").fullmatch
"""Printable ASCII without spaces, quotation marks and equals signs, as most values are."""

_TALKATIVE = ("hpack", "h2", "hypercorn", "quart")
"""Libraries whose debug lines nobody wants; those of hpack hold every header, credentials among them."""


def configure_logs(settings: Settings, *, process: str) -> None:
    """Send everything at or above the chosen level to stderr. process: "parent" or "worker-<n>", told in each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process) if settings.log_format == "json" else TextFormatter(process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    _gather_only_what_is_told()


def _gather_only_what_is_told() -> None:
    """Where a record was made, by which thread, process and task: a third of what a line costs, and in no line of ours.

    As the library's documentation has it, under "Optimization".
    """
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class _Formatter(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def facts(self, record: logging.LogRecord) -> dict[str, Any]:
        fields: dict[str, Any] = {"process": self._process, **getattr(record, "fields", {})}
        for name, value in current_facts().items():
            fields.setdefault(name, value)
        return {name: value for name, value in fields.items() if value is not None}


class JsonFormatter(_Formatter):
    """One JSON object a line; a traceback is a string in it."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _time(record), "level": record.levelname.lower(), "event": record.getMessage()}
        line |= self.facts(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(_Formatter):
    """`time level event name=value …`; a traceback follows on its own lines."""

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={_quoted(value)}" for name, value in self.facts(record).items())
        line = f"{_time(record)} {record.levelname.lower()} {record.getMessage()} {facts}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _time(record: logging.LogRecord) -> str:
    second = int(record.created)
    return f"{_second(second)}.{int((record.created - second) * 1000):03}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _quoted(value: object) -> str:
    text = str(value)
    if _PLAIN(text):
        return text
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text)
