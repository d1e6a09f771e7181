"""What can be changed of a repository, and its return from deletion."""

from __future__ import annotations

from msgspec import Struct

from packhouse_client.types.repositories import Description, Visibility


class UpdateRepository(Struct, frozen=True, rename="camel"):
    """PATCH /v1/repos/:id: what is there is changed. `defaultBranch`: what HEAD names, a branch that there is, or any
    in an empty repository."""

    description: Description | None = None
    default_branch: str | None = None
    read_only: bool | None = None
    visibility: Visibility | None = None


class UndeleteRepository(Struct, frozen=True):
    """POST /v1/repos/:id/undelete: nothing is to be said."""
