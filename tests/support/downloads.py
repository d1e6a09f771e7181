"""What a client is told about downloads, asked for without a Git."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from packengine.pktline import FLUSH, encode_many
from tests.support.wire_client import decode, lines

_URI = re.compile(rb"bundle\.[A-Za-z0-9-]+\.uri=(.*)")


@dataclass(frozen=True, slots=True)
class Account:
    """A repository on a running server, and the token for it."""

    remote: str
    """Without a token in it."""

    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What lets a request in."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def git_config(self) -> tuple[str, str]:
        """The same for a Git."""
        return "-c", f"http.{self.remote}/.extraHeader=Authorization: Bearer {self.token}"


def account(created: dict[str, str]) -> Account:
    """Of what the server answered to the creation of a repository or a fork."""
    parts = urlsplit(created["remote"])
    return Account(f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}", created["token"])


def bundle_urls(repository: Account, object_format: str = "sha1") -> list[str]:
    """Where the server says that bundles lie."""
    body = encode_many([b"command=bundle-uri\n", b"object-format=%b\n" % object_format.encode(), FLUSH])
    headers = repository.headers | {
        "Git-Protocol": "version=2",
        "Content-Type": "application/x-git-upload-pack-request",
    }
    answer = httpx.post(f"{repository.remote}/git-upload-pack", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    told = lines(decode(answer.content))
    assert not [line for line in told if line.startswith(b"ERR ")], told
    found = (_URI.fullmatch(line) for line in told)
    return [match[1].decode() for match in found if match]


def bundle_url(repository: Account, object_format: str = "sha1") -> str:
    """The one bundle on offer."""
    (url,) = bundle_urls(repository, object_format)
    return url
