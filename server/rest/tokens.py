"""Repository tokens: minted, listed, rotated, revoked."""

from __future__ import annotations

import time
from functools import partial

import msgspec
from quart import Blueprint, Response

from packengine.refs.rules import BadRefPattern, check_pattern
from packengine.storage.ports import Digest, TokenRecord, TokenScope
from packhouse_client.types.tokens import (
    MintToken,
    RevokeToken,
    RotateTokens,
    TokenItem,
    TokenMade,
    TokenRevoked,
    TokensRotated,
)
from server.auth import Identity, hash_token, is_acceptable_token, token_id
from server.auth.minting import mint, remote_url
from server.limits import RateClass
from server.rest.access import access_to, accessible, authenticated
from server.rest.body import answer, json_response, read_json
from server.rest.context import services
from server.rest.errors import ApiError, bad_request
from server.rest.operations import operation
from server.rest.remote import request_base_url
from server.rest.services import RestServices

tokens = Blueprint("tokens", __name__)


@tokens.post("/v1/repos/<repository_id>/tokens")
@operation(answer=TokenMade, body=MintToken, tag="tokens")
async def mint_token(repository_id: str) -> Response:
    """Mint a token; this answer is the only one that tells it. One with `refs` may move no other refs by Git."""
    caller, record = await accessible(repository_id, RateClass.TOKEN)
    body = await read_json(MintToken)
    minted = mint(
        TokenScope(body.scope),
        caller.identity.owner,
        ttl_s=body.ttl_seconds,
        label=body.label,
        refs=None if body.refs is None else _checked_patterns(body.refs),
    )
    # The body may have taken its time: the id may belong to somebody else's repository by now.
    mint_checked = partial(services().engine.catalog.mint_token, first_version=record.first_version)
    await services().run(mint_checked, record.id, minted.stored)
    remote = remote_url(request_base_url(services().settings), record.id, minted.text)
    return answer(TokenMade(token=minted.text, remote=remote, expires_at=minted.stored.expires_at_s))


@tokens.get("/v1/repos/<repository_id>/tokens")
@operation(answer=list[TokenItem], tag="tokens")
async def list_tokens(repository_id: str) -> Response:
    """The live tokens that the caller may see, newest first; never their text."""
    caller, check = access_to(repository_id, RateClass.TOKEN)

    def work() -> bytes:
        found = services().engine.catalog.tokens(check().id, int(time.time()))
        return msgspec.json.encode([_item(token) for token in found if _is_visible(token, caller.identity)])

    return json_response(await services().run(work))


@tokens.post("/v1/repos/<repository_id>/tokens/rotate")
@operation(answer=TokensRotated, body=RotateTokens, tag="tokens")
async def rotate(repository_id: str) -> Response:
    """Revoke every live token of a repository and mint one, in one transaction."""
    caller, record = await accessible(repository_id, RateClass.TOKEN)
    body = await read_json(RotateTokens)
    minted = mint(TokenScope(body.scope), caller.identity.owner, ttl_s=body.ttl_seconds)
    rotate_checked = partial(services().engine.catalog.rotate_tokens, first_version=record.first_version)
    revoked = await services().run(rotate_checked, record.id, minted.stored, int(time.time()))
    remote = remote_url(request_base_url(services().settings), record.id, minted.text)
    return answer(TokensRotated(revoked=revoked, token=minted.text, remote=remote))


@tokens.post("/v1/tokens/revoke")
@operation(answer=TokenRevoked, body=RevokeToken, errors=("forbidden",), tag="tokens")
async def revoke() -> Response:
    """Revoke a token, whichever repository it is for. To revoke what is not live is no error.

    A token that is not the caller's, or that is none, is refused: which of the two is not told.
    """
    caller = authenticated(RateClass.TOKEN)
    body = await read_json(RevokeToken)
    token_hash = hash_token(body.token) if is_acceptable_token(body.token) else None
    return answer(TokenRevoked(await services().run(_revoke, services(), caller.identity, token_hash)))


def _revoke(using: RestServices, identity: Identity, token_hash: Digest | None) -> bool:
    """In a worker thread. Raises ApiError 403."""
    catalog = using.engine.catalog
    if not identity.is_admin:
        record = None if token_hash is None else catalog.token(token_hash)
        if record is None or not identity.owns(record.subject):
            raise ApiError(403, "forbidden", "not your token")
    return token_hash is not None and catalog.revoke_token(token_hash, int(time.time()))


def _checked_patterns(patterns: list[str]) -> tuple[str, ...]:
    """Raises ApiError 400."""
    try:
        for pattern in patterns:
            check_pattern(pattern)
    except BadRefPattern as error:
        raise bad_request(f"refs: {error}") from error
    return tuple(patterns)


def _is_visible(token: TokenRecord, identity: Identity) -> bool:
    return identity.is_admin or identity.owns(token.subject)


def _item(token: TokenRecord) -> TokenItem:
    return TokenItem(
        id=token_id(token.token_hash),
        repo_id=token.repository_id,
        scope=token.scope.value,
        created_at=token.created_at_s,
        expires_at=token.expires_at_s,
        revoked_at=token.revoked_at_s,
        subject=token.subject,
        label=token.label,
        refs=None if token.refs is None else list(token.refs),
    )
