"""What REST takes and gives. Field names on the wire are camelCase, but where a struct says otherwise."""

from packhouse_client.types.commits import (
    MAX_CHANGES,
    Change,
    CommitMade,
    DeleteChange,
    MakeCommit,
    MoveChange,
    Person,
    WriteChange,
)
from packhouse_client.types.forks import MAX_FORKS, ForkRepository, ForksMade
from packhouse_client.types.health import Ok, Readiness
from packhouse_client.types.merges import Merge, Merged, Sync
from packhouse_client.types.notes import DEFAULT_NOTES_REF, Note, ReadNote, WriteNote
from packhouse_client.types.refs import REFS_MAX, DeleteRef, ListRefs, MoveRef
from packhouse_client.types.repositories import (
    CreateRepository,
    DeleteRepository,
    ListRepositories,
    RefItem,
    RepositoryAnswer,
    RepositoryDeleted,
    RepositoryItem,
    RepositoryMade,
)
from packhouse_client.types.tokens import MintToken, RevokeToken, TokenItem, TokenMade, TokenRevoked

__all__ = [
    "DEFAULT_NOTES_REF",
    "MAX_CHANGES",
    "MAX_FORKS",
    "REFS_MAX",
    "Change",
    "CommitMade",
    "CreateRepository",
    "DeleteChange",
    "DeleteRef",
    "DeleteRepository",
    "ForkRepository",
    "ForksMade",
    "ListRefs",
    "ListRepositories",
    "MakeCommit",
    "Merge",
    "Merged",
    "MintToken",
    "MoveChange",
    "MoveRef",
    "Note",
    "Ok",
    "Person",
    "ReadNote",
    "Readiness",
    "RefItem",
    "RepositoryAnswer",
    "RepositoryDeleted",
    "RepositoryItem",
    "RepositoryMade",
    "RevokeToken",
    "Sync",
    "TokenItem",
    "TokenMade",
    "TokenRevoked",
    "WriteChange",
    "WriteNote",
]
