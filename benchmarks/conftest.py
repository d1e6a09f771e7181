"""Fixtures of the benchmarks. They run on their own: `python -m benchmarks`, or `pytest benchmarks`."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.support.versus import Versus
from tests.conftest import large_repo, medium_repo, small_repo

__all__ = ["large_repo", "medium_repo", "small_repo"]


@pytest.fixture
def versus(benchmark: BenchmarkFixture) -> Versus:
    """Time ours against the rival, in turn."""
    return Versus(benchmark)
