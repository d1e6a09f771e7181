"""Authentication as the settings want it."""

from __future__ import annotations

from pathlib import Path

from packengine.storage.ports import Catalog
from server.auth.bearers import RestAuthenticator
from server.auth.jwks import JwksFile, UnusableJwks
from server.auth.jwks_url import JwksUrl
from server.auth.server_keys import ServerKeys
from server.auth.web_tokens import WebTokens
from server.config import Settings, SettingsError


def rest_authenticator(settings: Settings, catalog: Catalog) -> RestAuthenticator:
    """Raises SettingsError for keys that cannot be read."""
    keys = ServerKeys(catalog, admin_token=settings.admin_token or "", jwt_secret=settings.jwt_secret)
    tokens = WebTokens(jwks=_jwks(settings), audience=settings.jwt_expected_aud, issuer=settings.jwt_expected_iss)
    return RestAuthenticator(keys, tokens)


def check_keys(settings: Settings) -> None:
    """Raises SettingsError for keys that cannot be read. Those behind a URL may come later."""
    if settings.jwt_jwks is not None and not settings.jwt_jwks.startswith("https://"):
        _jwks(settings)


def _jwks(settings: Settings) -> JwksFile | JwksUrl | None:
    if settings.jwt_jwks is None:
        return None
    if settings.jwt_jwks.startswith("https://"):
        return JwksUrl(settings.jwt_jwks)
    try:
        return JwksFile(Path(settings.jwt_jwks))
    except UnusableJwks as error:
        raise SettingsError(f"jwt_jwks: {error}") from error
