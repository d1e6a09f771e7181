"""What a client is made with."""

from __future__ import annotations

from typing import Any

import httpx

from packhouse_client.errors import ConfigurationError
from packhouse_client.login import SERVER_VARIABLE, find_login

API = "/v1"
TIMEOUT_S = 60.0


def http_options(server: str | None, token: str | None, timeout_s: float) -> dict[str, Any]:
    """What both of httpx's clients take. Raises ConfigurationError if no server is named anywhere."""
    login = find_login(server, token)
    if login is None:
        raise ConfigurationError(f"no server is named: pass one, set {SERVER_VARIABLE}, or run `packhouse login`")
    headers = {"User-Agent": "packhouse-client"}
    if login.token is not None:
        headers["Authorization"] = f"Bearer {login.token}"
    return {"base_url": login.server, "headers": headers, "timeout": httpx.Timeout(timeout_s)}
