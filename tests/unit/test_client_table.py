"""docs/clients.md says what the matrix of clients tests."""

from __future__ import annotations

from tests.support.clients.limits import FEATURES, LIMITS
from tests.support.clients.table import PAGE, page


def test_the_page_is_what_the_matrix_tests() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m tests.support.clients.table"


def test_every_limit_is_one_of_a_known_feature() -> None:
    assert {feature for _, feature in LIMITS} <= FEATURES.keys()
