"""docs/operation.md lists every setting with its default."""

from __future__ import annotations

import re
from dataclasses import MISSING, Field, fields

import pytest

from server.config import Settings
from tests.support.named_tests import ROOT

ROWS = re.findall(r"^\| (`--.*?) \| (.*?) \| (.+) \|$", (ROOT / "docs" / "operation.md").read_text(), re.MULTILINE)
DOCUMENTED = {flag: default for flags, default, _ in ROWS for flag in re.findall(r"`--([a-z0-9-]+)`", flags)}
WORDS = {"workers": "cores", "admin-token": "made up"}
"""Defaults that depend on the machine or the run."""


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    assert DOCUMENTED.keys() == {_flag(each) for each in fields(Settings)}


@pytest.mark.parametrize("each", fields(Settings), ids=lambda each: each.name)
def test_default_is_the_documented_one(each: Field[object]) -> None:
    assert DOCUMENTED[_flag(each)].strip("`") == (WORDS.get(_flag(each)) or _shown(each))


def _flag(each: Field[object]) -> str:
    return each.name.replace("_", "-")


def _shown(each: Field[object]) -> str:
    assert each.default is not MISSING
    if isinstance(each.default, bool):
        return str(each.default).lower()
    if isinstance(each.default, float):
        return f"{each.default:g}"
    return str(each.default) if each.default not in (None, ()) else "none"
