"""Documents that name a test as their proof name one that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.named_tests import ROOT, exists, named_in

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PITFALLS = ROOT / "docs" / "pitfalls.md"
PITFALL_COUNT = 25
CONTRACT = ROOT / "docs" / "contract.md"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = named_in(document.read_text(encoding="utf-8"))
    assert [f"{file}::{function}" for file, function in named if not exists(file, function)] == []


def test_every_pitfall_names_a_test() -> None:
    rows = re.findall(r"^\| (\d+) \|(.*)$", PITFALLS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, PITFALL_COUNT + 1))
    assert [number for number, row in rows if not named_in(row)] == []


def test_every_rule_of_the_contract_names_a_test() -> None:
    rows = re.findall(r"^\| (.*) \|$", CONTRACT.read_text(encoding="utf-8"), re.MULTILINE)
    rules = [row for row in rows if row not in {"rule | tests", "--- | ---"}]
    assert len(rules) > 100
    assert [row for row in rules if not named_in(row)] == []
