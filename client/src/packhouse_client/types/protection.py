"""Rules for refs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

RULES_MAX = 100
"""For one repository."""

PUSHERS_MAX = 100
"""Named in one rule."""

Pusher = Annotated[str, Meta(min_length=1, max_length=256)]


class Rule(Struct, frozen=True, rename="camel"):
    """What is forbidden for refs whose names match. In `pattern` each `*` stands for anything, slashes included.

    `pushers`: the only subjects, or tokens as `token:<id>`, that may move them; null for whoever may push.
    `signedOnly`: moved only by pushes with a verified certificate.
    """

    pattern: str
    deny_deletion: bool = False
    deny_force: bool = False
    pushers: Annotated[list[Pusher], Meta(max_length=PUSHERS_MAX)] | None = None
    signed_only: bool = False


class Protection(Struct, frozen=True):
    """GET and PUT /v1/repos/:id/protection: all rules of a repository. Of several that match a ref, all hold."""

    rules: Annotated[list[Rule], Meta(max_length=RULES_MAX)] = field(default_factory=list)
