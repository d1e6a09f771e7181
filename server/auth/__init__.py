"""Who is asking: the admin token of REST, the repository tokens of Git."""

from server.auth.admin import RestAuthenticator
from server.auth.git_tokens import GitAuthenticator, GitGrant, GitRefusal, GitService
from server.auth.identity import ANONYMOUS, Identity
from server.auth.tokens import generate_token, hash_token, is_acceptable_token, token_id

__all__ = [
    "ANONYMOUS",
    "GitAuthenticator",
    "GitGrant",
    "GitRefusal",
    "GitService",
    "Identity",
    "RestAuthenticator",
    "generate_token",
    "hash_token",
    "is_acceptable_token",
    "token_id",
]
