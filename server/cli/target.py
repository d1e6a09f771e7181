"""Where a command works: on a server by its REST API, or on a data directory."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from packhouse_client import Client
from packhouse_client.login import SERVER_VARIABLE, Login, find_login
from server.cli.options import Invocation, config_option, invocation_of, json_option
from server.config import CONFIG_VARIABLE, ENVIRONMENT_PREFIX

P = ParamSpec("P")
T = TypeVar("T")

_LOCAL_VARIABLES = (f"{ENVIRONMENT_PREFIX}DATA_DIR", CONFIG_VARIABLE)

_server = click.option("--server", metavar="URL", help="The server to work on.  [default: see `packhouse --help`]")
_data_dir = click.option("--data-dir", type=click.Path(path_type=Path), help="The data directory to work on instead.")


_ADVICE = "give --server or --data-dir, or run `packhouse login`"


@dataclass(frozen=True, slots=True)
class Target:
    """What every command that works in both places has at hand. login: None for the data directory."""

    login: Login | None
    local: Invocation
    is_chosen: bool

    @property
    def as_json(self) -> bool:
        """Whether to print JSON."""
        return self.local.as_json

    @contextmanager
    def client(self, *, may_create: bool = False, owner: str | None = None) -> Iterator[Client]:
        """The API. may_create: whether a data directory may be begun. owner: whom what is made there belongs to."""
        self._say_where()
        if self.login is not None:
            if owner is not None:
                raise click.UsageError("what is made on a server belongs to whoever asks; --owner is for --data-dir")
            with Client(self.login.server, self.login.token) as client:
                yield client
            return
        from server.cli.in_process import in_process_client  # noqa: PLC0415  # a web server, for which most need not wait

        opened = self.local.engine(may_create=may_create, advice=_ADVICE)
        with opened as engine, in_process_client(engine, self.local.settings, owner) as client:
            yield client

    def server_only(self, why: str) -> None:
        """Raises UsageError on a data directory."""
        if self.login is None:
            raise click.UsageError(f"{why}; give --server, or run `packhouse login`")

    def _say_where(self) -> None:
        """For whoever has named neither: both are easily taken for the other."""
        if not self.is_chosen and not self.as_json:
            where = self.local.settings.data_dir.absolute() if self.login is None else self.login.server
            click.echo(f"on {where}", err=True)


def target_options(function: Callable[Concatenate[Target, P], T]) -> Callable[..., T]:
    """Give a command --server, --data-dir, --config and --json, and pass it a Target in their place."""

    @_server
    @_data_dir
    @config_option
    @json_option
    @functools.wraps(function)
    def command(
        *args: Any, server: str | None, data_dir: Path | None, config: Path | None, as_json: bool, **kwargs: Any
    ) -> T:
        local = invocation_of(data_dir, config, as_json)
        named = server or click.get_current_context().find_root().params.get("server")
        if named and (data_dir or config):
            raise click.UsageError("--server and --data-dir or --config exclude each other")
        login = None if data_dir or config else _login(named)
        is_chosen = bool(named or data_dir or config or any(map(os.environ.get, (SERVER_VARIABLE, *_LOCAL_VARIABLES))))
        return function(Target(login, local, is_chosen), *args, **kwargs)

    return command


def _login(named: str | None) -> Login | None:
    """Variables that name a data directory come before what `packhouse login` kept, and after a server's."""
    is_local = any(map(os.environ.get, _LOCAL_VARIABLES)) and not os.environ.get(SERVER_VARIABLE)
    return None if is_local and not named else find_login(named)
