"""REST authentication by the admin token."""

from __future__ import annotations

import hmac

from server.auth.header import bearer_token
from server.auth.identity import ADMIN, Identity
from server.auth.tokens import hash_token


class RestAuthenticator:
    """Turns an Authorization header into an identity."""

    def __init__(self, admin_token: str) -> None:
        self._admin_hash = hash_token(admin_token)

    def identify(self, header: str | None) -> Identity | None:
        """Whom the header speaks for, or None. Hashes are compared, so that not even the length shows in the time."""
        token = bearer_token(header)
        if token is not None and hmac.compare_digest(hash_token(token), self._admin_hash):
            return ADMIN
        return None
