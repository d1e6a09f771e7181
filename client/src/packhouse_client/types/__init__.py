"""What REST takes and gives. Field names on the wire are camelCase, but where a struct says otherwise."""

from packhouse_client.types.forks import MAX_FORKS, ForkRepository, ForksMade
from packhouse_client.types.health import Ok, Readiness
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
    "MAX_FORKS",
    "CreateRepository",
    "DeleteRepository",
    "ForkRepository",
    "ForksMade",
    "ListRepositories",
    "MintToken",
    "Ok",
    "Readiness",
    "RefItem",
    "RepositoryAnswer",
    "RepositoryDeleted",
    "RepositoryItem",
    "RepositoryMade",
    "RevokeToken",
    "TokenItem",
    "TokenMade",
    "TokenRevoked",
]
