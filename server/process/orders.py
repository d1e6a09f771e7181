"""What a parent tells a worker over the worker's standard input, and what it hears over its standard output.

    parent to worker    one line of JSON (`Orders`), then `drain` and `stop`, a line each
    worker to parent    `ready`

Signals would not do: a service manager sends them to every process of the group, a terminal as well, and a worker could
not tell the first from the second. The end of the input is the parent's death; the worker ends at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from server.config import Settings

DRAIN = b"drain"
STOP = b"stop"
READY = b"ready"


class Orders(msgspec.Struct, frozen=True):
    """What a worker needs to start. The admin token is among the settings, so this never goes into an argument."""

    worker: int
    listener_fd: int
    url: str
    settings: Settings


def encode_orders(orders: Orders) -> bytes:
    """One line."""
    return msgspec.json.encode(orders, enc_hook=_encode_path) + b"\n"


def decode_orders(line: bytes) -> Orders:
    """The parent's own encoding back."""
    return msgspec.json.decode(line, type=Orders, dec_hook=_decode_path)


def _encode_path(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(type(value).__name__)


def _decode_path(kind: type, value: Any) -> object:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(kind.__name__)
