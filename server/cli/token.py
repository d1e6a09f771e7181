"""`packhouse token`: repository tokens, minted, listed, revoked."""

from __future__ import annotations

import sys
import time
from typing import Literal

import click

from packengine.storage.ports import TokenRecord
from packhouse_client.types.tokens import TokensRotated
from server.auth import hash_token, is_acceptable_token, token_id
from server.cli.output import print_facts, print_json, print_table, print_wire, time_text
from server.cli.target import Target, target_options

_scope = click.option(
    "--scope", type=click.Choice(["read", "write"]), default="write", show_default=True, help="What it may do."
)
_ttl = click.option("--ttl-seconds", type=click.IntRange(1, 10**10), help="How long it lives.  [default: for ever]")


@click.group()
def token() -> None:
    """Mint, list, revoke and rotate the tokens of a repository."""


@token.command("mint")
@click.argument("repository_id", metavar="ID")
@_scope
@_ttl
@click.option("--label", help="A note to recognise it by.")
@click.option("--ref", "refs", multiple=True, help="A pattern of refs that it may move; repeatable.  [default: all]")
@target_options
def mint_command(
    target: Target,
    repository_id: str,
    scope: Literal["read", "write"],
    ttl_seconds: int | None,
    label: str | None,
    refs: tuple[str, ...],
) -> None:
    """Mint a token and print it. It is not kept: this is the only time that it can be read."""
    with target.client() as client:
        made = client.repo(repository_id).tokens.mint(scope, ttl_s=ttl_seconds, label=label, refs=refs or None)
    if target.as_json:
        print_wire(made)
    else:
        print_facts([("token", made.token), ("remote", made.remote), ("expires", time_text(made.expires_at))])


@token.command("list")
@click.argument("repository_id", metavar="ID")
@target_options
def listing(target: Target, repository_id: str) -> None:
    """List the live tokens of a repository, newest first."""
    with target.client() as client:
        items = client.repo(repository_id).tokens.list()
    if target.as_json:
        print_wire(items)
        return
    rows = [
        (item.id, item.scope, time_text(item.created_at), time_text(item.expires_at), item.label or "-")
        for item in items
    ]
    print_table(("ID", "SCOPE", "CREATED", "EXPIRES", "LABEL"), rows)


@token.command()
@click.argument("repository_id", metavar="ID")
@click.argument("name", metavar="TOKEN")
@target_options
def revoke(target: Target, repository_id: str, name: str) -> None:
    """Revoke a token of a repository. TOKEN is the token, or `-` to read it from stdin.

    In a data directory it may also be its id from `token list`.
    """
    text = sys.stdin.readline().strip() if name == "-" else name
    revoked = (
        _revoke_here(target, repository_id, text) if target.login is None else _revoke(target, repository_id, text)
    )
    if not revoked:
        raise click.ClickException(f"{repository_id} has no live token of that name")
    if target.as_json:
        print_json({"revoked": True})


@token.command()
@click.argument("repository_id", metavar="ID")
@_scope
@_ttl
@target_options
def rotate(target: Target, repository_id: str, scope: Literal["read", "write"], ttl_seconds: int | None) -> None:
    """Revoke every token of a repository, mint one, and print it."""
    with target.client() as client:
        _print_rotated(target, client.repo(repository_id).tokens.rotate(scope, ttl_s=ttl_seconds))


def _print_rotated(target: Target, rotated: TokensRotated) -> None:
    if target.as_json:
        print_wire(rotated)
    else:
        print_facts([("revoked", str(rotated.revoked)), ("token", rotated.token), ("remote", rotated.remote)])


def _revoke(target: Target, repository_id: str, text: str) -> bool:
    """A server revokes any token of ours, so it is looked up first whether it is one of this repository."""
    if not is_acceptable_token(text):
        return False
    with target.client() as client:
        is_here = any(item.id == token_id(hash_token(text)) for item in client.repo(repository_id).tokens.list())
        return is_here and client.tokens.revoke(text).revoked


def _revoke_here(target: Target, repository_id: str, text: str) -> bool:
    now_s = int(time.time())
    with target.local.engine() as engine:
        found = next((r for r in engine.catalog.tokens(repository_id, now_s) if _is_named(r, text)), None)
        return found is not None and engine.catalog.revoke_token(found.token_hash, now_s)


def _is_named(record: TokenRecord, text: str) -> bool:
    return token_id(record.token_hash) == text or (is_acceptable_token(text) and hash_token(text) == record.token_hash)
