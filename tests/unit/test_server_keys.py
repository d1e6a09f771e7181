"""The admin token and the JWT key: as configured, or as rotated while the server runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from server.auth import ServerKeys, hash_token

SECRET = "a secret of more than thirty-two bytes"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path: Path) -> Iterator[SqliteCatalog]:
    with closing(SqliteCatalog(path)) as catalog:
        yield catalog


def keys_of(catalog: SqliteCatalog, admin: str = "sesame", jwt_secret: str | None = SECRET) -> ServerKeys:
    return ServerKeys(catalog, admin_token=admin, jwt_secret=jwt_secret)


def test_what_is_configured_counts_until_a_rotation(catalog: SqliteCatalog) -> None:
    keys = keys_of(catalog)
    assert (keys.current().admin_hash, keys.current().jwt_secret) == (hash_token("sesame"), SECRET.encode())
    token, key = keys.rotate_admin_token(), keys.rotate_jwt_key()
    assert (keys.current().admin_hash, keys.current().jwt_secret) == (hash_token(token), key.encode())
    assert len(key) >= 32


def test_another_process_knows_the_next_moment(catalog: SqliteCatalog, path: Path) -> None:
    with closing(SqliteCatalog(path)) as elsewhere:
        here, there = keys_of(catalog), keys_of(elsewhere)
        there.current()
        for _ in range(2):
            token, key = here.rotate_admin_token(), here.rotate_jwt_key()
            assert (there.current().admin_hash, there.current().jwt_secret) == (hash_token(token), key.encode())


def test_a_rotation_outlives_a_restart_with_the_same_configuration(catalog: SqliteCatalog, path: Path) -> None:
    keys_of(catalog).rotate_admin_token()
    token, key = keys_of(catalog).rotate_admin_token(), keys_of(catalog).rotate_jwt_key()
    with closing(SqliteCatalog(path)) as later:
        current = keys_of(later).current()
    assert (current.admin_hash, current.jwt_secret) == (hash_token(token), key.encode())


def test_what_is_configured_anew_counts_at_once(catalog: SqliteCatalog) -> None:
    keys_of(catalog).rotate_admin_token()
    keys_of(catalog).rotate_jwt_key()
    current = keys_of(catalog, "other", "another secret of thirty-two bytes.").current()
    assert (current.admin_hash, current.jwt_secret) == (hash_token("other"), b"another secret of thirty-two bytes.")
    assert keys_of(catalog, jwt_secret=None).current().jwt_secret is None


def test_a_key_can_be_made_where_none_is_configured(catalog: SqliteCatalog) -> None:
    keys = keys_of(catalog, jwt_secret=None)
    assert keys.current().jwt_secret is None
    key = keys.rotate_jwt_key()
    assert keys.current().jwt_secret == key.encode()


def test_nothing_is_read_while_nothing_is_committed(catalog: SqliteCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = catalog.server_key

    def noted(name: str) -> object:
        reads.append(name)
        return read(name)

    monkeypatch.setattr(catalog, "server_key", noted)
    keys = keys_of(catalog)
    for _ in range(5):
        keys.current()
    assert len(reads) == 2
    keys.rotate_admin_token()
    keys.current()
    assert len(reads) == 4


def test_only_the_hash_of_an_admin_token_is_stored(catalog: SqliteCatalog, path: Path) -> None:
    token = keys_of(catalog).rotate_admin_token()
    stored = catalog.server_key("admin-token")
    assert stored is not None
    assert stored.value == hash_token(token)
    assert token.encode() not in b"".join(each.read_bytes() for each in path.parent.iterdir())
