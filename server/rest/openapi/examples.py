"""A body for each route that takes one, to begin with."""

from __future__ import annotations

import msgspec

from packhouse_client.types.forks import ForkRepository
from packhouse_client.types.repositories import CreateRepository
from packhouse_client.types.tokens import MintToken, RevokeToken
from server.rest.openapi.schemas import Json

EXAMPLES: dict[type[msgspec.Struct], Json] = {
    CreateRepository: {"id": "demo", "defaultBranch": "main"},
    ForkRepository: {"id": "demo-fork"},
    MintToken: {"scope": "read", "ttlSeconds": 3600, "label": "ci"},
    RevokeToken: {"token": "what an earlier answer told"},
}
