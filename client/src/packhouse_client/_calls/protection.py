"""Rules for refs."""

from __future__ import annotations

from collections.abc import Sequence

from packhouse_client._call import Call, get, put
from packhouse_client.types.protection import Protection, Rule


def show(base: str) -> Call[Protection]:
    """All rules."""
    return get(f"{base}/protection", Protection)


def replace(base: str, rules: Sequence[Rule]) -> Call[Protection]:
    """These rules, and no others, from the next push on."""
    return put(f"{base}/protection", Protection(list(rules)), Protection)
