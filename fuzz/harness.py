"""Runs one target under atheris: `python -m fuzz.harness TARGET [libFuzzer's options] CORPUS...`.

The only module that knows atheris. It needs the instrumented build in front of `sys.path` and atheris's runtime loaded
before Python: `fuzz/run` sees to both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from fuzz.mutators import Mutator
from fuzz.targets import TARGETS

_CustomMutator = Callable[[bytes, int, int], bytes]


def main() -> None:
    """Fuzz until libFuzzer's options say stop, or something is found; does not return."""
    atheris: Any = import_module("atheris")
    program, name, *options = sys.argv
    for package in TARGETS[name].python:
        with atheris.instrument_imports(include=[package]):
            import_module(package)
    target = import_module(f"fuzz.targets.{name}")
    mutate: Mutator | None = getattr(target, "mutate", None)
    settings = {} if mutate is None else {"custom_mutator": _custom(mutate, atheris.Mutate)}
    atheris.Setup([program, *options], target.check, **settings)
    atheris.Fuzz()


def _custom(mutate: Mutator, mutate_bytes: Callable[[bytes, int], bytes]) -> _CustomMutator:
    """What atheris calls: libFuzzer's own mutations are handed in, so that mutators can be tested without it."""

    def custom(data: bytes, max_bytes: int, seed: int) -> bytes:
        return mutate(bytes(data), max_bytes, seed, mutate_bytes)[:max_bytes]

    return custom


if __name__ == "__main__":
    main()
