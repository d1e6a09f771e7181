"""What only the administrator does."""

from __future__ import annotations

from packhouse_client._call import Call, command
from packhouse_client.types.admin import AdminTokenRotated, JwtKeyRotated


def rotate_token(base: str) -> Call[AdminTokenRotated]:
    """Make another admin token; this client's own is good for nothing from then on."""
    return command(f"{base}/admin/token/rotate", AdminTokenRotated)


def rotate_jwt_key(base: str) -> Call[JwtKeyRotated]:
    """Make another secret for HS256."""
    return command(f"{base}/admin/jwt-key/rotate", JwtKeyRotated)
