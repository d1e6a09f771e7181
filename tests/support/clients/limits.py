"""What the matrix asks of each client, and what a client cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """reason: for docs/clients.md; says: a pattern that must be found in what the client then says or leaves."""

    reason: str
    says: str


FEATURES = (
    "clone",
    "shallow clone",
    "deepen",
    "unshallow",
    "fetch",
    "push",
    "push onto odd file names",
    "force push",
    "delete",
    "tags",
    "empty repository",
    "large file",
    "many refs",
    "wrong password",
    "credentials in the URL",
    "protocol v0",
    "protocol v1",
    "protocol v2",
)
"""The rows of docs/clients.md. A test says by its mark which one it backs."""

LIMITS: Mapping[tuple[str, str], Limit] = {}
"""By client and feature. A test of a feature with a limit passes only if it fails as the limit says."""
