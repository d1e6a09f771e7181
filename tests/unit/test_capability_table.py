"""The README's table says what the server advertises, no more and no less, and each of its rows names its tests."""

from __future__ import annotations

import pytest

from tests.support.capability_table import OTHERS, README, ROWS, Advertised, Row, advertised, readme_with, tables
from tests.support.named_tests import exists, named_in


@pytest.fixture(scope="module")
def told() -> Advertised:
    return advertised()


def test_every_capability_that_is_advertised_has_a_row_and_every_row_is_advertised(told: Advertised) -> None:
    assert told.words() == ROWS.keys()


def test_what_version_2_advertises_needs_no_explanation(told: Advertised) -> None:
    assert [name for name, row in ROWS.items() if row.version_2 and name in told.version_2] == []


@pytest.mark.parametrize(("name", "row"), [*ROWS.items(), *OTHERS.items()])
def test_every_row_names_tests_that_exist(name: str, row: Row) -> None:
    named = [found for test in row.tests for found in named_in(f"tests/{test}")]
    assert len(named) == len(row.tests) > 0, name
    assert [test for test in named if not exists(*test)] == []


def test_readme_has_the_table(told: Advertised) -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme_with(tables(told), readme) == readme, "python -m tests.support.capability_table"
