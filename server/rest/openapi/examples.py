"""A body for each route that takes one, to begin with."""

from __future__ import annotations

import msgspec

from packhouse_client.types.commits import MakeCommit
from packhouse_client.types.forks import ForkRepository
from packhouse_client.types.history import RestoreRefs
from packhouse_client.types.imports import ImportRepository
from packhouse_client.types.merges import Merge, Sync
from packhouse_client.types.notes import WriteNote
from packhouse_client.types.protection import Protection
from packhouse_client.types.purges import PurgeRepository
from packhouse_client.types.refs import MoveRef
from packhouse_client.types.repositories import CreateRepository
from packhouse_client.types.settings import UndeleteRepository, UpdateRepository
from packhouse_client.types.tokens import MintToken, RevokeToken, RotateTokens
from server.rest.openapi.schemas import Json

_COMMIT = "8ab686eafeb1f44702738c8b0f24f2567c36da6d"

EXAMPLES: dict[type[msgspec.Struct], Json] = {
    CreateRepository: {"id": "demo", "description": "To try things"},
    UpdateRepository: {"description": "To try more things", "readOnly": False},
    UndeleteRepository: {},
    ImportRepository: {"url": "https://github.com/octocat/Hello-World.git", "mirror": True},
    PurgeRepository: {"path": "config/secrets.env"},
    ForkRepository: {"id": "demo-fork"},
    MintToken: {"scope": "write", "ttlSeconds": 3600, "label": "ci", "refs": ["refs/heads/agent/*"]},
    RotateTokens: {"scope": "write"},
    RevokeToken: {"token": "what an earlier answer told"},
    MakeCommit: {
        "branch": "main",
        "parent": None,
        "message": "Begin",
        "changes": [{"op": "write", "path": "README", "content": "Hello\n"}],
    },
    Merge: {"sourceBranch": "topic", "targetBranch": "main", "strategy": "auto"},
    Sync: {"branch": "main"},
    MoveRef: {"sha": _COMMIT, "expected": None},
    WriteNote: {"commit": _COMMIT, "text": "Seen by a human\n"},
    Protection: {"rules": [{"pattern": "refs/heads/main", "denyDeletion": True, "denyForce": True}]},
    RestoreRefs: {"at": "2026-11-21T20:00:00Z", "refs": ["refs/heads/main"]},
}
