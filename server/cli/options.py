"""Options that several commands share, and what they are turned into: settings, and an open engine."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from packengine.repository import Actor, Engine
from server.config import Settings, engine_limits, load_settings

P = ParamSpec("P")
T = TypeVar("T")
Decorated = Callable[..., T]

data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where repositories are kept.  [default: data]"
)
config_option = click.option("--config", type=click.Path(path_type=Path), help="A TOML file with settings.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What every command that works on the data directory has at hand."""

    settings: Settings
    as_json: bool
    actor: Actor

    @contextmanager
    def engine(self, *, may_create: bool = False, advice: str = "give --data-dir") -> Iterator[Engine]:
        """The engine over the data directory. A server may run on it at the same time.

        may_create: whether the command may begin a data directory; the others must not show an empty one by mistake.
        advice: what to do where there is none.
        """
        data_dir = self.settings.data_dir
        if not may_create and not Engine.is_data_folder(data_dir):
            raise click.ClickException(f"no data directory at {data_dir.absolute()}; {advice}")
        engine = Engine.open(data_dir, limits=engine_limits(self.settings))
        try:
            yield engine
        finally:
            engine.close()


def data_options(function: Callable[Concatenate[Invocation, P], T]) -> Decorated[T]:
    """Give a command --data-dir, --config and --json, and pass it an Invocation in their place."""

    @data_dir_option
    @config_option
    @json_option
    @functools.wraps(function)
    def command(*args: Any, data_dir: Path | None, config: Path | None, as_json: bool, **kwargs: Any) -> T:
        if click.get_current_context().find_root().params.get("server"):
            raise click.UsageError("this command works on a data directory, not on a server")
        return function(invocation_of(data_dir, config, as_json), *args, **kwargs)

    return command


def invocation_of(data_dir: Path | None, config: Path | None, as_json: bool) -> Invocation:
    """What those options mean, and the environment."""
    settings = load_settings({"data_dir": data_dir}, config_path=config)
    return Invocation(settings, as_json, Actor(subject="cli", request_id=secrets.token_hex(16)))
