"""A repository of a test's own, at the price of a fork."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.clients.client import Remote
from tests.support.server import RunningServer


def fork_of(server: RunningServer, repository_id: str) -> Remote:
    """A new repository with all that this one has."""
    status, answer = server.rest("POST", f"/v1/repos/{repository_id}/forks", {})
    assert status == 200, answer
    return remote_of(answer)


def remote_of(answer: Mapping[str, str]) -> Remote:
    """What REST says of a new repository, without the credentials in the URL."""
    scheme, _, rest = answer["remote"].partition("://")
    return Remote(f"{scheme}://{rest.partition('@')[2]}", answer["token"])
