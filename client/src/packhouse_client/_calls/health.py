"""Whether the server lives."""

from __future__ import annotations

from packhouse_client._call import Call, get
from packhouse_client.types.health import Ok


def alive(base: str) -> Call[Ok]:
    """That it answers. Needs no credentials."""
    return get(f"{base}/health", Ok)
