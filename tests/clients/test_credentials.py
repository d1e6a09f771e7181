"""How clients authenticate, and how they learn that they may not."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.clients.client import Client, CredentialsRefused, Remote

ATTEMPTS: Mapping[str, Callable[[Client, Remote, Path], object]] = {
    "list": lambda client, remote, _: client.list_refs(remote.url, token=remote.token),
    "clone": lambda client, remote, work: client.clone(remote, work.with_name("clone")),
    "push": lambda client, remote, work: client.push(remote, work, "refs/heads/main:refs/heads/main"),
}


@pytest.mark.feature("wrong password")
@pytest.mark.parametrize("verb", ATTEMPTS)
def test_a_wrong_password_is_a_clear_refusal(client: Client, verb: str, empty: Remote, fresh: Path) -> None:
    wrong = Remote(empty.url, secrets.token_urlsafe(16))
    with pytest.raises(CredentialsRefused):
        ATTEMPTS[verb](client, wrong, fresh)


@pytest.mark.feature("credentials in the URL")
def test_credentials_may_stand_in_the_url(client: Client, stocked: Remote) -> None:
    refs = client.list_refs(stocked.with_token)
    assert refs == client.list_refs(stocked.url, token=stocked.token)
    assert "refs/heads/main" in refs
