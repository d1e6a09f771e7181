"""The scripts in examples/, run as their readers run them, against a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.server import RunningServer

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_session_of_agents_forks_commits_merges_reads_and_restores(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        environment = {**os.environ, "PACKHOUSE_SERVER": server.url, "PACKHOUSE_TOKEN": server.admin_token}
        done = subprocess.run(
            [sys.executable, EXAMPLES / "agent_session.py"],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=200,
        )
        status, left = server.rest("GET", "/v1/repos")
    assert done.returncode == 0, done.stderr
    assert "1,000 commits, one on each fork" in done.stdout
    assert "50 notes by agents" in done.stdout
    assert (status, left) == (200, [])
