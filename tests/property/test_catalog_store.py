"""Any sequence of calls has the same outcomes on the SQLite catalog as on its model in memory."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from packengine.storage import SqliteCatalog
from packengine.storage.ports import BlobKey, Catalog, NewToken, Pointer, Publish, RowKind, StorageError, TokenScope
from tests.support.catalogs import NOW_S, create, manifest, publish, row
from tests.support.fakes import MemoryCatalog

Call: TypeAlias = Callable[[Catalog], object]

WINDOW_S = 5

IDS = ("aaaa", "bbbb")  # few, so that the calls of a sequence meet

ids = st.sampled_from(IDS)
owners = st.sampled_from([None, "alice", "bob"])
seconds = st.integers(0, 20).map(lambda later: NOW_S + later)
hashes = st.sampled_from([hashlib.sha256(name).digest() for name in (b"one", b"two")])


def publish_call(repository_id: str, name: str, version: int | None, with_manifest: bool) -> Call:
    """A publish on what is current, or on a version that may be stale or never was."""

    def call(catalog: Catalog) -> object:
        expected = catalog.pointer(repository_id) if version is None else Pointer(version, manifest(name).digest)
        pack = row(RowKind.PACK, name.encode())
        return publish(catalog, repository_id, expected, name, [pack], with_manifest=with_manifest)

    return call


def create_call(repository_id: str, owner: str | None, source_id: str | None, name: str, now_s: int) -> Call:
    return lambda catalog: create(
        catalog, repository_id, owner=owner, source_id=source_id, manifest_of=name, created_at_s=now_s
    )


def delete_call(repository_ids: list[str], now_s: int) -> Call:
    return lambda catalog: catalog.delete_repositories(repository_ids, now_s)


def mint_call(repository_id: str, token_hash: bytes, expires_at_s: int | None) -> Call:
    token = NewToken(token_hash, TokenScope.READ, NOW_S, expires_at_s)
    return lambda catalog: catalog.mint_token(repository_id, token)


def revoke_call(token_hash: bytes, now_s: int) -> Call:
    return lambda catalog: catalog.revoke_token(token_hash, now_s)


def publish_blob_call(repository_id: str, name: str, generation: int | None) -> Call:
    """A publish that names a large pack, stored in the generation that is free now or in some other one."""

    def call(catalog: Catalog) -> object:
        current, new = catalog.pointer(repository_id), manifest(name)
        free = catalog.next_generation(new.digest) if generation is None else generation
        return catalog.publish(Publish(repository_id, current, new.digest, [new], [BlobKey(new.digest, free)]))

    return call


def collect_call(doomed: list[str], meanwhile: Call, condemned_at_ms: int, before_ms: int) -> Call:
    """Condemn what is stored of these, while somebody does something else, and delete what is due."""

    def call(catalog: Catalog) -> object:
        names = {row(RowKind.PACK, name.encode()).digest for name in doomed} | {
            manifest(name).digest for name in doomed
        }
        mark = catalog.begin_mark()
        stored = [key for key in catalog.row_keys(after=None, limit=100) if key.digest in names]
        blobs = [BlobKey(manifest(name).digest) for name in doomed]
        seen: list[object] = [outcome(meanwhile, catalog)]
        seen.append(catalog.condemn(mark, stored, blobs, now_ms=condemned_at_ms))
        catalog.end_mark(mark)
        due = catalog.condemned(before_ms=before_ms, limit=100)
        seen += [sorted(each.key.digest for each in due.rows), sorted(due.blobs)]
        seen.append(catalog.delete_rows([each.key for each in due.rows], before_ms=before_ms))
        catalog.forget(due.blobs)
        return seen

    return call


def give_up_call(now_s: int) -> Call:
    return lambda catalog: catalog.give_up_tombstones(now_s)


def lease_call(holder: str, now_s: int) -> Call:
    return lambda catalog: catalog.take_lease("lease", holder, now_ms=now_s, ttl_ms=3)


def reader_call(reader_id: str, now_s: int, expire: bool) -> Call:
    def call(catalog: Catalog) -> object:
        expired = catalog.expire_readers(now_s) if expire else None
        known = catalog.renew_reader(reader_id, oldest_open_ms=now_s, now_ms=now_s, ttl_ms=3)
        if not known:
            catalog.add_reader(reader_id, oldest_open_ms=now_s, now_ms=now_s, ttl_ms=3)
        return expired, known, catalog.readers()

    return call


publishes = st.builds(publish_call, ids, st.sampled_from(["x", "y"]), st.none() | st.integers(0, 4), st.booleans())
blob_publishes = st.builds(publish_blob_call, ids, st.sampled_from(["x", "y"]), st.none() | st.integers(0, 2))
calls = st.one_of(
    st.builds(create_call, ids, owners, st.none() | ids, ids, seconds),
    st.builds(create_call, ids, owners, st.none() | ids, ids, seconds),
    publishes,
    blob_publishes,
    st.builds(
        collect_call,
        st.lists(st.sampled_from(["x", "y", *IDS]), max_size=2),
        publishes | blob_publishes,
        st.integers(0, 9),
        st.integers(0, 9),
    ),
    st.builds(give_up_call, seconds),
    st.builds(lease_call, ids, seconds),
    st.builds(reader_call, ids, seconds, st.booleans()),
    st.builds(delete_call, st.lists(ids, min_size=1, max_size=2), seconds),
    st.builds(mint_call, ids, hashes, st.none() | seconds),
    st.builds(revoke_call, hashes, seconds),
)


def outcome(call: Call, catalog: Catalog) -> object:
    try:
        return call(catalog)
    except StorageError as error:
        return type(error)


def pointer_of(repository_id: str, catalog: Catalog) -> object:
    return catalog.pointer(repository_id)


def tokens_of(repository_id: str, catalog: Catalog) -> object:
    return catalog.tokens(repository_id, NOW_S + 10)


def everything(catalog: Catalog) -> list[object]:
    """All that the port lets one see."""
    seen: list[object] = [catalog.repositories(limit=10, owner=owner) for owner in (None, "alice", "bob")]
    for repository_id in IDS:
        seen.append(catalog.repository(repository_id))
        seen.append(catalog.live_forks(repository_id))
        seen.append(outcome(partial(pointer_of, repository_id), catalog))
        seen.append(outcome(partial(tokens_of, repository_id), catalog))
    seen += [catalog.token(hashlib.sha256(name).digest()) for name in (b"one", b"two")]
    seen.append(set(catalog.pointer_uses()))
    seen.append({(key.digest, key.kind) for key in catalog.row_keys(after=None, limit=100)})
    seen += [catalog.next_generation(manifest(name).digest) for name in ("x", "y")]
    seen += [catalog.has_row(RowKind.PACK, row(RowKind.PACK, name).digest) for name in (b"x", b"y")]
    return seen


@given(st.lists(calls, min_size=10, max_size=40))
@settings(deadline=None, max_examples=150, derandomize=True)
def test_the_sqlite_catalog_does_what_the_model_does(sequence: list[Call]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        model = MemoryCatalog(reuse_after_s=WINDOW_S)
        with closing(SqliteCatalog(Path(directory) / "catalog.db", reuse_after_s=WINDOW_S)) as catalog:
            for call in sequence:
                assert outcome(call, catalog) == outcome(call, model)
            assert everything(catalog) == everything(model)
