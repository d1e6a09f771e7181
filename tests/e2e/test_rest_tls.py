"""TLS, and HTTP/2 over it."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trustme
from click.testing import CliRunner

from server.cli import main
from tests.support.server import RunningServer


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pair(authority: trustme.CA, tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, as files."""
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    return cert, key


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_rest_over_tls(authority: trustme.CA, pair: tuple[Path, Path], tmp_path: Path, version: str) -> None:
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    arguments = ["--tls-cert", str(pair[0]), "--tls-key", str(pair[1])]
    with (
        RunningServer(tmp_path / "data", workers=1, arguments=arguments) as server,
        httpx.Client(verify=trust, http2=version == "HTTP/2", base_url=server.url) as client,
    ):
        client.headers["Authorization"] = f"Bearer {server.admin_token}"
        made = client.post("/v1/repos", json={})
        assert (made.status_code, made.http_version) == (200, version)
        assert made.json()["remote"].startswith("https://x:")
        refused = client.post("/v1/repos", content=b"x" * (8 << 20), headers={"Content-Type": "application/json"})
        assert refused.status_code == 413
        assert client.get("/v1/health").json() == {"ok": True}


def test_key_of_another_certificate_is_refused_in_one_sentence(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    for key in (other, tmp_path / "absent.pem"):
        arguments = ["serve", "--bind", "127.0.0.1:0", "--data-dir", str(tmp_path / "data")]
        ended = CliRunner().invoke(main, [*arguments, "--tls-cert", str(pair[0]), "--tls-key", str(key)])
        assert ended.exit_code == 2
        assert str(key) in ended.stderr
