"""The repositories that benchmarks run on: two of real sources that are built here, and one that may be given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.content import Scale, cached_history

LARGE_REPOSITORY = "PACKHOUSE_LARGE_REPOSITORY"
"""Names a bare repository in the environment."""

LARGE = "large"
_SCALES = {
    "8k": Scale("benchmark-8k", commits=870, files=150, large_blob_bytes=100_000),
    "40k": Scale("benchmark-40k", commits=4_700, files=600, large_blob_bytes=500_000),
}
"""By the number of objects."""


def sizes() -> list[str]:
    """Which there are."""
    return [*_SCALES, LARGE] if LARGE_REPOSITORY in os.environ else [*_SCALES]


def repository_of(size: str) -> Path:
    """A bare repository, which nobody may change. It is built if it is not there yet."""
    return Path(os.environ[LARGE_REPOSITORY]) if size == LARGE else cached_history(_SCALES[size])


def at(*names: str) -> pytest.MarkDecorator:
    """Run a benchmark that asks for `served` in these sizes only, as far as there are such."""
    chosen = [size for size in sizes() if size in names]
    return pytest.mark.parametrize("served", chosen, indirect=True, scope="session")
