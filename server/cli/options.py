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

_data_dir = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where repositories are kept.  [default: data]"
)
_config = click.option("--config", type=click.Path(path_type=Path), help="A TOML file with settings.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What every command that works on the data directory has at hand."""

    settings: Settings
    as_json: bool
    actor: Actor

    @contextmanager
    def engine(self, *, may_create: bool = False) -> Iterator[Engine]:
        """The engine over the data directory. A server may run on it at the same time.

        may_create: whether the command may begin a data directory; the others must not show an empty one by mistake.
        """
        data_dir = self.settings.data_dir
        if not may_create and not Engine.is_data_folder(data_dir):
            raise click.ClickException(f"no data directory at {data_dir.absolute()}; give --data-dir")
        engine = Engine.open(data_dir, limits=engine_limits(self.settings))
        try:
            yield engine
        finally:
            engine.close()


def data_options(function: Callable[Concatenate[Invocation, P], T]) -> Decorated[T]:
    """Give a command --data-dir, --config and --json, and pass it an Invocation in their place."""

    @_data_dir
    @_config
    @_json
    @functools.wraps(function)
    def command(*args: Any, data_dir: Path | None, config: Path | None, as_json: bool, **kwargs: Any) -> T:
        settings = load_settings({"data_dir": data_dir}, config_path=config)
        actor = Actor(subject="cli", request_id=secrets.token_hex(16))
        return function(Invocation(settings, as_json, actor), *args, **kwargs)

    return command
