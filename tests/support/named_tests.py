"""Tests by name, as documents name them: `tests/unit/test_x.py::test_y`."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")


def named_in(text: str) -> list[tuple[str, str]]:
    """(file, function) of each test that a text names."""
    return _NAME.findall(text)


def exists(file: str, function: str) -> bool:
    """Whether there is such a test."""
    return function in _functions(file)


@cache
def _functions(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))
