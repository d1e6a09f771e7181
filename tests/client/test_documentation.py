"""The Python code of the documentation does what it says: it is run, page by page, as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click import Context

from packhouse_client import Client
from packhouse_client.errors import BY_CODE
from server.cli import main
from server.cli.main import __doc__ as exit_statuses
from tests.support.server import RunningServer

ROOT = Path(__file__).parents[2]
PYTHON = re.compile(r"^```python(?: \w+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    (?:\w+ \w+ \| )?packhouse (\w+)", re.MULTILINE)


def blocks(page: str) -> list[str]:
    return PYTHON.findall((ROOT / page).read_text())


@pytest.mark.parametrize(("page", "count"), [("client/README.md", 1), ("docs/client.md", 5)])
def test_code_of_the_page_runs(page: str, count: int, server: RunningServer, client: Client, tmp_path: Path) -> None:
    found = blocks(page)
    assert len(found) == count
    environment = {**os.environ, "PACKHOUSE_SERVER": server.url, "PACKHOUSE_TOKEN": server.admin_token}
    for code in found:
        command = [sys.executable, "-W", "error", "-c", code]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), code
    assert client.health.alive().ok


def test_every_exception_is_in_the_table() -> None:
    page = (ROOT / "docs/client.md").read_text()
    assert [kind.__name__ for kind in BY_CODE.values() if f"`{kind.__name__}`" not in page] == []
    assert [code for code in BY_CODE if f"`{code}`" not in page] == []


def test_every_command_of_the_page_is_one() -> None:
    page = (ROOT / "docs/client.md").read_text()
    found = COMMAND.findall(page)
    assert len(found) > 12
    assert set(found) <= set(main.list_commands(Context(main)))


def test_exit_statuses_are_those_of_the_command() -> None:
    page = (ROOT / "docs/client.md").read_text()
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", page, re.MULTILINE))
    assert table.keys() == set(re.findall(r"^(\d+) ", exit_statuses or "", re.MULTILINE))
