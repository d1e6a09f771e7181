"""Who is asking: the admin token and the JSON Web Tokens of REST, the repository tokens of Git."""

from server.auth.bearers import RestAuthenticator
from server.auth.git_tokens import GitAuthenticator, GitGrant, GitRefusal, GitService
from server.auth.identity import ANONYMOUS, Identity
from server.auth.jwks import JwksFile, UnusableJwks
from server.auth.server_keys import ServerKeys
from server.auth.tokens import generate_token, hash_token, is_acceptable_token, token_id
from server.auth.web_tokens import WebTokens

__all__ = [
    "ANONYMOUS",
    "GitAuthenticator",
    "GitGrant",
    "GitRefusal",
    "GitService",
    "Identity",
    "JwksFile",
    "RestAuthenticator",
    "ServerKeys",
    "UnusableJwks",
    "WebTokens",
    "generate_token",
    "hash_token",
    "is_acceptable_token",
    "token_id",
]
