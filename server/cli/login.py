"""`packhouse login` and `packhouse logout`: which server commands work on, and with which token."""

from __future__ import annotations

import sys

import click

from packhouse_client import Client, Unauthorized
from packhouse_client.login import Login, find_login, forget_login, keep_login, normal_server

_server = click.option("--server", metavar="URL", help="The server.  [default: PACKHOUSE_SERVER]")


@click.command()
@_server
@click.option(
    "--token", metavar="TOKEN", help="An admin token or a JWT; `-` reads it from stdin.  [default: asked for]"
)
def login(server: str | None, token: str | None) -> None:
    """Keep a server and a token for it, once the server has taken the token.

    They are kept in ~/.config/packhouse/login.json (or in $XDG_CONFIG_HOME), which nobody else can read.
    """
    chosen = _chosen(server)
    text = _from_stdin() if token == "-" else token or _asked()  # noqa: S105  # no token, but where it is
    _check(Login(chosen, text))
    path = keep_login(Login(chosen, text))
    click.echo(f"logged in to {chosen}; kept in {path}", err=True)


@click.command()
@_server
def logout(server: str | None) -> None:
    """Forget the token that is kept for a server."""
    chosen = _chosen(server)
    if not forget_login(chosen):
        raise click.ClickException(f"not logged in to {chosen}")
    click.echo(f"logged out of {chosen}", err=True)


def _chosen(server: str | None) -> str:
    named = server or click.get_current_context().find_root().params.get("server")
    found = find_login(named)
    if found is None:
        raise click.UsageError("no server is named; give --server")
    return normal_server(found.server)


def _asked() -> str:
    if not _is_at_terminal():
        return _from_stdin()
    asked: str = click.prompt("Token", hide_input=True, err=True)
    return asked


def _is_at_terminal() -> bool:
    return sys.stdin.isatty()


def _from_stdin() -> str:
    found = sys.stdin.readline().strip()
    if not found:
        raise click.UsageError("there is no token on stdin; give --token")
    return found


def _check(login: Login) -> None:
    with Client(login.server, login.token) as client:
        try:
            next(client.repos.list(page=1), None)
        except Unauthorized as error:
            raise click.ClickException(f"{login.server} does not take this token") from error
