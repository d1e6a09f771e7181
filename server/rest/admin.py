"""What only the administrator does."""

from __future__ import annotations

import logging

from quart import Blueprint, Response

from packhouse_client.types.admin import AdminTokenRotated, JwtKeyRotated
from server.rest.access import admin_only
from server.rest.body import answer
from server.rest.context import Caller, services
from server.rest.operations import operation

admin = Blueprint("admin", __name__)
_log = logging.getLogger("packhouse.rest")


@admin.post("/v1/admin/token/rotate")
@operation(answer=AdminTokenRotated, errors=("forbidden",), tag="admin")
async def rotate_admin_token() -> Response:
    """Make another admin token. It counts from the next request on, for every worker.

    After a restart too, as long as the configured token is the one that it replaced.
    """
    caller = admin_only()
    token = await services().run(services().authenticator.keys.rotate_admin_token)
    _log_rotation("admin token rotated", caller)
    return answer(AdminTokenRotated(token))


@admin.post("/v1/admin/jwt-key/rotate")
@operation(answer=JwtKeyRotated, errors=("forbidden",), tag="admin")
async def rotate_jwt_key() -> Response:
    """Make another secret for JSON Web Tokens by HS256; those by the one before are invalid from the next request on.

    After a restart too, as long as the configured secret is the one that it replaced.
    """
    caller = admin_only()
    key = await services().run(services().authenticator.keys.rotate_jwt_key)
    _log_rotation("key for JSON Web Tokens rotated", caller)
    return answer(JwtKeyRotated(key, persisted=True))


def _log_rotation(event: str, caller: Caller) -> None:
    _log.warning(event, extra={"fields": {"actor": caller.actor.subject, "request_id": caller.actor.request_id}})
