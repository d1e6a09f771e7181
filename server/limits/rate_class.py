"""The classes of requests that are limited, each on its own."""

from __future__ import annotations

from enum import Enum


class RateClass(Enum):
    """What a request costs the server, roughly: the value is the setting's name without its `rate_`."""

    CREATE = "create"
    TOKEN = "token"  # noqa: S105 - no password
    COMMIT = "commit"
    READ = "read"
    HEALTH = "health"
