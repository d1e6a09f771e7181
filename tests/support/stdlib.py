"""Real files to build histories from: the sources of the Python that runs the tests."""

import sysconfig
from functools import cache
from pathlib import Path

TEXT_SUFFIXES = frozenset({".py", ".txt", ".decTest", ".c", ".h", ".html", ".pem", ".rst", ".xml", ".toml"})
_SKIPPED_FOLDERS = frozenset({"__pycache__", "site-packages", "dist-packages"})


@cache
def text_files() -> list[tuple[bytes, bytes]]:
    """(path, content) of the text files, in the order of their paths."""
    return [(path, data) for path, data in _files() if Path(path.decode()).suffix in TEXT_SUFFIXES]


@cache
def binary_files() -> list[tuple[bytes, bytes]]:
    """(path, content) of the others, in the order of their paths: shared objects, archives, sounds."""
    return [(path, data) for path, data in _files() if Path(path.decode()).suffix not in TEXT_SUFFIXES]


@cache
def _files() -> list[tuple[bytes, bytes]]:
    root = Path(sysconfig.get_path("stdlib"))
    paths = sorted(path for path in root.rglob("*") if path.is_file() and not _is_skipped(path.relative_to(root)))
    return [(bytes(path.relative_to(root)), path.read_bytes()) for path in paths]


def _is_skipped(path: Path) -> bool:
    return bool(_SKIPPED_FOLDERS.intersection(path.parts)) or path.suffix in {".pyc", ".a"}
