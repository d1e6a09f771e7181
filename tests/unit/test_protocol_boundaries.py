"""The protocol does no input or output, and knows nothing of storage (design, section 7)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import packengine.protocol

FOLDER = Path(packengine.protocol.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))
ALLOWED = {
    "__future__",
    "abc",
    "binascii",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "itertools",
    "packengine.pktline",
    "packengine.protocol",
    "packengine.refs",
    "packengine.sideband",
    "re",
    "typing",
    "typing_extensions",
}


def imports(tree: ast.AST) -> set[str]:
    """Every imported module, our own ones down to the second level."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {".".join(name.split(".")[: 2 if name.startswith("packengine") else 1]) for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_imports_nothing_that_could_wait_or_store(path: Path) -> None:
    assert imports(ast.parse(path.read_bytes())) <= ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_awaits_nothing(path: Path) -> None:
    waiting = (ast.Await, ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor)
    assert not [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, waiting)]
