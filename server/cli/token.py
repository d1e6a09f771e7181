"""`packhouse token`: repository tokens, minted, listed, revoked."""

from __future__ import annotations

import sys
import time

import click

from packengine.storage.ports import TokenRecord, TokenScope
from server.auth import hash_token, is_acceptable_token, token_id
from server.auth.minting import mint, remote_url
from server.cli.options import Invocation, data_options
from server.cli.output import print_facts, print_json, print_table, time_text


@click.group()
def token() -> None:
    """Mint, list and revoke the tokens of a repository."""


@token.command("mint")
@click.argument("repository_id", metavar="ID")
@click.option(
    "--scope", type=click.Choice(["read", "write"]), default="write", show_default=True, help="What it may do."
)
@click.option("--ttl-seconds", type=click.IntRange(1, 10**10), help="How long it lives.  [default: for ever]")
@click.option("--label", help="A note to recognise it by.")
@data_options
def mint_command(
    invocation: Invocation, repository_id: str, scope: str, ttl_seconds: int | None, label: str | None
) -> None:
    """Mint a token and print it. It is not kept: this is the only time that it can be read."""
    minted = mint(TokenScope(scope), None, ttl_s=ttl_seconds, label=label)
    with invocation.engine() as engine:
        engine.catalog.mint_token(repository_id, minted.stored)
    remote = remote_url(invocation.settings.base_url, repository_id, minted.text)
    expires_at_s = minted.stored.expires_at_s
    if invocation.as_json:
        print_json({"token": minted.text, "remote": remote, "expiresAt": expires_at_s})
    else:
        print_facts([("token", minted.text), ("remote", remote), ("expires", time_text(expires_at_s))])


@token.command("list")
@click.argument("repository_id", metavar="ID")
@data_options
def listing(invocation: Invocation, repository_id: str) -> None:
    """List the live tokens of a repository, newest first."""
    with invocation.engine() as engine:
        records = engine.catalog.tokens(repository_id, int(time.time()))
    if invocation.as_json:
        print_json([_item(record) for record in records])
        return
    rows = [
        (token_id(r.token_hash), r.scope.value, time_text(r.created_at_s), time_text(r.expires_at_s), r.label or "-")
        for r in records
    ]
    print_table(("ID", "SCOPE", "CREATED", "EXPIRES", "LABEL"), rows)


@token.command()
@click.argument("repository_id", metavar="ID")
@click.argument("name", metavar="TOKEN")
@data_options
def revoke(invocation: Invocation, repository_id: str, name: str) -> None:
    """Revoke a token of a repository. TOKEN is its id from `token list`, or the token; `-` reads it from stdin."""
    text = sys.stdin.readline().strip() if name == "-" else name
    now_s = int(time.time())
    with invocation.engine() as engine:
        found = next((r for r in engine.catalog.tokens(repository_id, now_s) if _is_named(r, text)), None)
        revoked = found is not None and engine.catalog.revoke_token(found.token_hash, now_s)
    if not revoked:
        raise click.ClickException(f"{repository_id} has no live token of that name")
    if invocation.as_json:
        print_json({"revoked": True})


def _is_named(record: TokenRecord, text: str) -> bool:
    return token_id(record.token_hash) == text or (is_acceptable_token(text) and hash_token(text) == record.token_hash)


def _item(record: TokenRecord) -> dict[str, object]:
    return {
        "id": token_id(record.token_hash),
        "repo_id": record.repository_id,
        "scope": record.scope.value,
        "created_at": record.created_at_s,
        "expires_at": record.expires_at_s,
        "revoked_at": record.revoked_at_s,
        "subject": record.subject,
        "label": record.label,
    }
