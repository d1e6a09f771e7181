"""Fixtures that every layer of tests may use."""

from pathlib import Path

import hypothesis
import pytest

from tests.support import content

# The same examples for everybody, and no verdict by the clock: the machine may be busy, and the fuzz targets explore.
hypothesis.settings.register_profile("packhouse", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.load_profile("packhouse")


@pytest.fixture(scope="session")
def small_repo() -> Path:
    """Some 400 objects, with all that Git's model allows. Not to be changed: copy it, or clone it."""
    return content.cached_history(content.SMALL)


@pytest.fixture(scope="session")
def medium_repo() -> Path:
    """Some 10,000 objects. Not to be changed: copy it, or clone it."""
    return content.cached_history(content.MEDIUM)


@pytest.fixture(scope="session")
def large_repo() -> Path:
    """More than 40,000 objects, a pack of more than 20 MB. Not to be changed: copy it, or clone it."""
    return content.cached_history(content.LARGE)
