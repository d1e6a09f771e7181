"""Fixtures of the benchmarks. They run on their own: `python -m benchmarks`, or `pytest benchmarks`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.support.served import Served, serve_both
from benchmarks.support.sizes import repository_of, sizes
from benchmarks.support.versus import Quantities, Versus
from tests.conftest import large_repo, medium_repo, small_repo

__all__ = ["large_repo", "medium_repo", "small_repo"]


@pytest.fixture
def versus(benchmark: BenchmarkFixture) -> Versus:
    """Time ours against rivals, in turn."""
    return Versus(benchmark)


@pytest.fixture
def quantities(benchmark: BenchmarkFixture) -> Quantities:
    """Note what has a unit and no rival."""
    return Quantities(benchmark)


@pytest.fixture(scope="session", params=sizes())
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A repository on both sides, in each of the sizes unless a benchmark names some."""
    size: str = request.param
    with serve_both(size, repository_of(size), tmp_path_factory.mktemp("served")) as both:
        yield both
