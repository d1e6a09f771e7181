"""The command line of ../client.py, for drivers in Python."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

USER = "x"
_FAILED, _REFUSED = 1, 2


class Failed(Exception):
    """The client could not do it."""


class Refused(Exception):
    """The client was told that its credentials are wrong."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a driver."""

    words: list[str]
    token: str | None
    depth: int | None
    protocol: int | None
    force: bool


def main(verbs: Mapping[str, Callable[[Call], None]], arguments: list[str]) -> int:
    """Run one verb. Returns the exit status; every other error is the driver's own and ends it with a traceback."""
    verb, call = _parsed(arguments)
    try:
        verbs[verb](call)
    except (Failed, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED if isinstance(error, Refused) else _FAILED
    return 0


def show_ref(oid: str, name: str) -> None:
    sys.stdout.write(f"{oid} {name}\n")


def _parsed(arguments: list[str]) -> tuple[str, Call]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--token")
    parser.add_argument("--depth", type=int)
    parser.add_argument("--protocol", type=int)
    parser.add_argument("--force", action="store_true")
    parser.add_argument("verb", choices=["clone", "fetch", "push", "list"])
    parser.add_argument("words", nargs="+")
    found = parser.parse_args(arguments)
    return found.verb, Call(found.words, found.token, found.depth, found.protocol, found.force)
