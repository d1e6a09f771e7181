"""Forks: one, or many at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from packhouse_client.types.instants import Instant
from packhouse_client.types.repositories import RepositoryMade

MAX_FORKS = 10_000
"""In one request: all of them are one transaction, for which whoever else writes waits."""

RefText = Annotated[str, Meta(min_length=1, max_length=1024)]
"""The name of a ref, full or short: `refs/heads/main` or `main`."""

ForkCount = Annotated[int, Meta(ge=1, le=MAX_FORKS)]


class ForkRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/forks. `count`: so many at once, all or none, whose ids are made up.

    `ref`: only this ref. `commit`: it stands for that commit, which it reaches; without `ref`, the branch that HEAD
    names does. `at`: the refs as they were then, for the owner.
    """

    id: str | None = None
    read_only: bool = False
    count: ForkCount | None = None
    ref: RefText | None = None
    commit: str | None = None
    at: Instant | None = None


class ForksMade(Struct, frozen=True):
    """The forks of a request that asked for a number of them."""

    forks: list[RepositoryMade]
