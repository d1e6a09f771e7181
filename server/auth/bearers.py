"""Whom the bearer of a REST request speaks for: the administrator, or the subject of a JSON Web Token."""

from __future__ import annotations

import hmac

from server.auth.header import bearer_token
from server.auth.identity import ADMIN, Identity
from server.auth.server_keys import ServerKeys
from server.auth.tokens import hash_token
from server.auth.web_tokens import MAX_CHARACTERS, WebTokens


class RestAuthenticator:
    """Turns an Authorization header into an identity, in a moment. Thread-safe."""

    def __init__(self, keys: ServerKeys, web_tokens: WebTokens) -> None:
        self.keys = keys
        self.web_tokens = web_tokens

    def identify(self, header: str | None) -> Identity | None:
        """Whom the header speaks for, or None. Hashes are compared, so that not even the length shows in the time."""
        token = bearer_token(header, max_characters=MAX_CHARACTERS)
        if token is None:
            return None
        keys = self.keys.current()
        if hmac.compare_digest(hash_token(token), keys.admin_hash):
            return ADMIN
        subject = self.web_tokens.subject(token, keys.jwt_secret)
        return None if subject is None else Identity(subject, is_admin=False)
