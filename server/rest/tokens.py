"""Repository tokens: minted, listed, revoked."""

from __future__ import annotations

import time

from quart import Blueprint, Response

from packengine.storage.ports import TokenRecord, TokenScope
from packhouse_client.types.tokens import MintToken, RevokeToken, TokenItem, TokenMade, TokenRevoked
from server.auth import hash_token, is_acceptable_token, token_id
from server.auth.minting import mint, remote_url
from server.limits import RateClass
from server.rest.access import accessible, authenticated
from server.rest.body import answer, read_json
from server.rest.context import Caller, services
from server.rest.errors import ApiError
from server.rest.operations import operation
from server.rest.remote import request_base_url

tokens = Blueprint("tokens", __name__)


@tokens.post("/v1/repos/<repository_id>/tokens")
@operation(answer=TokenMade, body=MintToken, tag="tokens")
async def mint_token(repository_id: str) -> Response:
    """Mint a token; this answer is the only one that tells it."""
    caller, record = await accessible(repository_id, RateClass.TOKEN)
    body = await read_json(MintToken)
    minted = mint(TokenScope(body.scope), caller.identity.owner, ttl_s=body.ttl_seconds, label=body.label)
    await services().run(services().engine.catalog.mint_token, record.id, minted.stored)
    remote = remote_url(request_base_url(services().settings), record.id, minted.text)
    return answer(TokenMade(token=minted.text, remote=remote, expires_at=minted.stored.expires_at_s))


@tokens.get("/v1/repos/<repository_id>/tokens")
@operation(answer=list[TokenItem], tag="tokens")
async def list_tokens(repository_id: str) -> Response:
    """The live tokens that the caller may see, newest first; never their text."""
    caller, record = await accessible(repository_id, RateClass.TOKEN)
    found = await services().run(services().engine.catalog.tokens, record.id, int(time.time()))
    return answer([_item(token) for token in found if _is_visible(token, caller)])


@tokens.post("/v1/tokens/revoke")
@operation(answer=TokenRevoked, body=RevokeToken, errors=("forbidden",), tag="tokens")
async def revoke() -> Response:
    """Revoke a token, whichever repository it is for. Revoking what is not live is no error for the administrator."""
    caller = authenticated(RateClass.TOKEN)
    body = await read_json(RevokeToken)
    if not caller.identity.is_admin:
        raise ApiError(403, "forbidden", "not your token")
    revoked = is_acceptable_token(body.token) and await services().run(
        services().engine.catalog.revoke_token, hash_token(body.token), int(time.time())
    )
    return answer(TokenRevoked(revoked=revoked))


def _is_visible(token: TokenRecord, caller: Caller) -> bool:
    return caller.identity.is_admin or token.subject == caller.identity.subject


def _item(token: TokenRecord) -> TokenItem:
    return TokenItem(
        id=token_id(token.token_hash),
        repo_id=token.repository_id,
        scope=token.scope.value,
        created_at=token.created_at_s,
        expires_at=token.expires_at_s,
        revoked_at=token.revoked_at_s,
        subject=token.subject,
    )
