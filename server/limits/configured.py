"""Limits as the settings want them."""

from __future__ import annotations

from pathlib import Path

from packengine.storage import derive_key
from server.config import Settings
from server.limits.ledger import Ledger
from server.limits.limiter import RateLimiter
from server.limits.trusted_proxies import TrustedProxies

_PURPOSE = b"names in the ledger of rates 1"
_FILE = "rates"


def rate_limiter(settings: Settings, secret: bytes, folder: str | None) -> RateLimiter:
    """secret: the store's. folder: one that the workers of a start share; None to count in this process alone."""
    path = None if folder is None else Path(folder) / _FILE
    ledger = Ledger(path, derive_key(secret, _PURPOSE))
    return RateLimiter(settings.rates, ledger, TrustedProxies(settings.trusted_proxies))
