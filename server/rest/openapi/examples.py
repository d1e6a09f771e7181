"""A body for each route that takes one, to begin with."""

from __future__ import annotations

import msgspec

from packhouse_client.types.forks import ForkRepository
from packhouse_client.types.history import RestoreRefs
from packhouse_client.types.protection import Protection
from packhouse_client.types.repositories import CreateRepository
from packhouse_client.types.settings import UndeleteRepository, UpdateRepository
from packhouse_client.types.tokens import MintToken, RevokeToken
from server.rest.openapi.schemas import Json

EXAMPLES: dict[type[msgspec.Struct], Json] = {
    CreateRepository: {"id": "demo", "defaultBranch": "main"},
    ForkRepository: {"id": "demo-fork"},
    UpdateRepository: {"description": "What it is for", "visibility": "private"},
    UndeleteRepository: {},
    Protection: {"rules": [{"pattern": "refs/heads/main", "denyDeletion": True, "denyForce": True}]},
    RestoreRefs: {"at": "2026-11-21T12:00:00Z", "refs": ["refs/heads/main"]},
    MintToken: {"scope": "read", "ttlSeconds": 3600, "label": "ci"},
    RevokeToken: {"token": "what an earlier answer told"},
}
