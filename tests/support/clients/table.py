"""docs/clients.md, written from what the tests hold the clients to.

Run it to write the page anew: `python -m tests.support.clients.table` from the root.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.support.clients.limits import FEATURES, LIMITS, OLD_GIT

PAGE = Path(__file__).parents[3] / "docs" / "clients.md"

_CLIENTS: Mapping[str, str] = {
    "git": "stock Git: the machine's, and in CI the oldest and the newest that Debian's mirrors have",
    OLD_GIT: "stock Git without protocol version 2; run where `PACKHOUSE_TEST_GITS` names one",
    "libgit2": "by pygit2, `tests/support/clients/drivers/libgit2.py`",
    "dulwich": "`tests/support/clients/drivers/dulwich_client.py`",
    "isomorphic-git": "under Node, `tests/support/clients/isomorphic`",
    "go-git": "version 5, `tests/support/clients/gogit`",
    "JGit": "`tests/support/clients/jgit`",
}

_HEAD = """\
# Clients

Which clients are run against the server, what each is asked to do, and what it cannot do.

Each is driven by a small program with one command line (`tests/support/clients/client.py`), so that all go through the
same tests. What a client fetched or pushed is then looked at by stock Git: refs, objects, `git fsck --strict`; which
version of the protocol it spoke, by what it sent. A "no" is tested too: the test fails as soon as the client can do it,
or fails in another way. All of these are limits of the client, met with any server.

This page is written by `python -m tests.support.clients.table`; a test compares the two.

"""


def page() -> str:
    """The whole page."""
    reasons = list(dict.fromkeys(limit.reason for limit in LIMITS.values()))
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    parts = [_clients(), _features(reasons), "\n".join(notes) + "\n", _tests()]
    return _HEAD + "\n".join(parts)


def _clients() -> str:
    return _table(["client", "how it is run"], [[name, how] for name, how in _CLIENTS.items()])


def _features(reasons: list[str]) -> str:
    rows = [[feature, *(_verdict(client, feature, reasons) for client in _CLIENTS)] for feature in FEATURES]
    return _table(["", *_CLIENTS], rows)


def _verdict(client: str, feature: str, reasons: list[str]) -> str:
    limit = LIMITS.get((client, feature))
    return "yes" if limit is None else f"no ({reasons.index(limit.reason) + 1})"


def _tests() -> str:
    return _table(["", "test"], [[feature, f"`tests/clients/{test}`"] for feature, test in FEATURES.items()])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
