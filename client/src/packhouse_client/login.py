"""Which server to ask, and with which token: from arguments, then the environment, then what `packhouse login` kept.

The file is $XDG_CONFIG_HOME/packhouse/login.json (~/.config/…), for its owner only. A token is sent to no other server
than the one that it was kept for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec

from packhouse_client.errors import ConfigurationError

SERVER_VARIABLE = "PACKHOUSE_SERVER"
TOKEN_VARIABLE = "PACKHOUSE_TOKEN"  # noqa: S105  # the variable's name

_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Login:
    """Where to go, and as whom; without a token as nobody."""

    server: str
    token: str | None


class Logins(msgspec.Struct, frozen=True):
    """What the file holds: a token for each server, and which server is meant if none is named."""

    tokens: dict[str, str] = {}
    default: str | None = None


def find_login(
    server: str | None = None, token: str | None = None, *, environment: Mapping[str, str] = os.environ
) -> Login | None:
    """The server and token that are meant; None: no server is named anywhere. Raises ConfigurationError."""
    kept = read_logins(environment)
    chosen = server or environment.get(SERVER_VARIABLE) or kept.default
    if not chosen:
        return None
    chosen = normal_server(chosen)
    return Login(chosen, token or environment.get(TOKEN_VARIABLE) or kept.tokens.get(chosen))


def normal_server(text: str) -> str:
    """A server's URL as it is kept. Raises ConfigurationError."""
    if not text.startswith(("http://", "https://")):
        raise ConfigurationError(f"a server is a URL, as https://git.example.com: {text!r}")
    if "@" in text.split("/")[2]:  # not shown: what stands before it is secret, and errors show the URL
        raise ConfigurationError("a server's URL has no credentials in it; the token is given by itself")
    return text.rstrip("/")


def read_logins(environment: Mapping[str, str] = os.environ) -> Logins:
    """What is kept. Raises ConfigurationError for a file that others could read, or that is none of ours."""
    path = logins_path(environment)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _FOR_OTHERS:
                raise ConfigurationError(f"{path} holds tokens and can be read by others; chmod 600 it")
            return msgspec.json.decode(file.read(), type=Logins)
    except FileNotFoundError:
        return Logins()
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def keep_login(login: Login, environment: Mapping[str, str] = os.environ) -> Path:
    """Keep a login as the one that is meant if no server is named; the path of the file."""
    kept = read_logins(environment)
    tokens = {**kept.tokens, login.server: login.token} if login.token else kept.tokens
    return _write(Logins(tokens, login.server), environment)


def forget_login(server: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Forget the token of a server; whether there was one."""
    kept = read_logins(environment)
    tokens = {each: token for each, token in kept.tokens.items() if each != server}
    if server not in kept.tokens and kept.default != server:
        return False
    _write(Logins(tokens, None if kept.default == server else kept.default), environment)
    return True


def logins_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where logins are kept."""
    folder = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME") or "~").expanduser() / ".config")
    return Path(folder) / "packhouse" / "login.json"


def _write(logins: Logins, environment: Mapping[str, str]) -> Path:
    """All or nothing; a new file of this kind is for its owner only from the beginning."""
    path = logins_path(environment)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(msgspec.json.format(msgspec.json.encode(logins), indent=2))
    Path(file.name).replace(path)
    return path
