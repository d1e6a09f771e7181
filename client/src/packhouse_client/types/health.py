"""Whether the server lives, and whether it is ready."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class Ok(Struct, frozen=True):
    """Nothing more to say."""

    ok: bool = True


class Readiness(Struct, frozen=True, omit_defaults=True):
    """GET /v1/health/ready."""

    ok: bool
    components: dict[str, Literal["ok", "fail"]] | UnsetType = UNSET
    draining: bool = False
