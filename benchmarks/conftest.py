"""Fixtures of the benchmarks. They run on their own: `python -m benchmarks`, or `pytest benchmarks`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.support.served import Served, serve_both
from benchmarks.support.versus import Versus
from tests.conftest import large_repo, medium_repo, small_repo

__all__ = ["large_repo", "medium_repo", "small_repo"]


@pytest.fixture
def versus(benchmark: BenchmarkFixture) -> Versus:
    """Time ours against the rival, in turn."""
    return Versus(benchmark)


@pytest.fixture(scope="module")
def served(large_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The repository of more than 40,000 objects, on both sides."""
    with serve_both(large_repo, tmp_path_factory.mktemp("served")) as both:
        yield both
