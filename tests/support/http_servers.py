"""Servers as HTTP clients meet them: in the clear and over TLS, and the names of their repositories' parts."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from tests.support.server import RunningServer

UPLOAD_PACK, RECEIVE_PACK = "git-upload-pack", "git-receive-pack"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as a client addresses it."""

    server: RunningServer
    id: str
    token: str
    remote: str

    @property
    def path(self) -> str:
        return f"/git/{self.id}.git"

    @property
    def basic(self) -> dict[str, str]:
        """The token as Git sends it."""
        return {"Authorization": "Basic " + base64.b64encode(f"x:{self.token}".encode()).decode()}

    def call_headers(self, service: str, **others: str) -> dict[str, str]:
        """Of a POST to a service, in version 2."""
        content_type = f"application/x-{service}-request"
        return {**self.basic, "Content-Type": content_type, "Git-Protocol": "version=2", **others}


def new_repository(server: RunningServer) -> Repository:
    """Empty, with a token that may write."""
    created = server.create_repository()
    return Repository(server, created["id"], created["token"], created["remote"])


@dataclass(frozen=True, slots=True)
class Authority:
    """Who vouches for the servers of a test; as a file, and for Python."""

    ca_file: Path
    certificate: Path
    key: Path

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    @property
    def arguments(self) -> list[str]:
        """Of `packhouse serve`."""
        return ["--tls-cert", str(self.certificate), "--tls-key", str(self.key)]


def make_authority(folder: Path) -> Authority:
    """With a certificate for 127.0.0.1."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    made = Authority(folder / "ca.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(made.ca_file)
    issued.cert_chain_pems[0].write_to_path(made.certificate)
    issued.private_key_pem.write_to_path(made.key)
    return made


@contextmanager
def one_worker(
    data_dir: Path, arguments: Sequence[str] = (), *, authority: Authority | None = None
) -> Iterator[RunningServer]:
    """A server with one worker, so that a test knows who serves it, and with log lines to be parsed."""
    arguments = ["--log-format", "json", *arguments, *(authority.arguments if authority else [])]
    trust = authority.trust if authority else None
    with RunningServer(data_dir, workers=1, arguments=arguments, trust=trust) as server:
        yield server


def request_lines(server: RunningServer) -> list[dict[str, Any]]:
    """What the log says of the requests so far."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]
