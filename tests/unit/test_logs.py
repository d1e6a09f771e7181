"""What log lines look like."""

from __future__ import annotations

import json
import logging
import sys

from server.logs import JsonFormatter, TextFormatter


def record(message: str, fields: dict[str, object] | None = None, *, failed: bool = False) -> logging.LogRecord:
    exc_info = None
    if failed:
        try:
            raise ValueError("broken")
        except ValueError:
            exc_info = sys.exc_info()
    made = logging.LogRecord("packhouse", logging.INFO, __file__, 1, message, (), exc_info)
    made.created = 1_700_000_000.25
    if fields is not None:
        made.fields = fields
    return made


def test_text_is_one_line_of_fields() -> None:
    line = TextFormatter("worker-0").format(record("request", {"status": 200, "path": "/v1/repos", "actor": None}))
    assert line == "2023-11-14T22:13:20.250Z info request process=worker-0 status=200 path=/v1/repos"


def test_text_quotes_what_would_break_a_line() -> None:
    line = TextFormatter("parent").format(record("request", {"a": "x y", "b": 'q"=', "c": "1\n2", "d": ""}))
    assert line.endswith(r'a="x y" b="q\"=" c="1\n2" d=""')
    assert "\n" not in line


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter("worker-1").format(record("request", {"status": 200, "actor": None}, failed=True))
    assert "\n" not in line
    told = json.loads(line)
    assert told.pop("traceback").endswith("ValueError: broken")
    assert told == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "event": "request",
        "process": "worker-1",
        "status": 200,
    }


def test_text_puts_a_traceback_below_its_line() -> None:
    text = TextFormatter("parent").format(record("request failed", failed=True))
    assert text.splitlines()[0].endswith("info request failed process=parent")
    assert text.endswith("ValueError: broken")
