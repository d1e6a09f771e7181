"""Forks: one, or many at once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from packhouse_client.types.repositories import RepositoryMade

MAX_FORKS = 10_000
"""In one request: all of them are one transaction, for which whoever else writes waits."""

ForkCount = Annotated[int, Meta(ge=1, le=MAX_FORKS)]


class ForkRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/forks. `count`: so many at once, all or none, whose ids are made up."""

    id: str | None = None
    read_only: bool = False
    count: ForkCount | None = None


class ForksMade(Struct, frozen=True):
    """The forks of a request that asked for a number of them."""

    forks: list[RepositoryMade]
