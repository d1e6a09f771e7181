"""Manifests: canonical bytes, and what is not one."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packengine.manifests import (
    OID_LENGTHS,
    CorruptManifest,
    Manifest,
    PackPlace,
    PackRecord,
    PublishKind,
    decode_manifest,
    digest_of,
    encode_manifest,
)
from packengine.refs import BlockRecord, RefEntry, RefTable


def no_blocks(digest: bytes) -> bytes:
    raise AssertionError(f"decoding asked for block {digest.hex()}")


digests = st.binary(min_size=32, max_size=32)
names = st.binary(min_size=1, max_size=20).map(lambda name: b"refs/" + name.replace(b"\n", b"\xff"))
counts = st.integers(0, 1 << 40)
tail_packs = st.builds(PackRecord, digests, counts, counts, st.just(PackPlace.TAIL))
blob_packs = st.builds(PackRecord, digests, counts, counts, st.just(PackPlace.BLOB), st.just(0) | counts)
packs = st.lists(tail_packs | blob_packs, max_size=4, unique_by=lambda p: p.digest)


@st.composite
def tables(draw: st.DrawFn, oid_len: int) -> RefTable:
    oids = st.binary(min_size=oid_len, max_size=oid_len)
    if draw(st.booleans()):
        entries = st.builds(RefEntry, names, oids, st.none() | oids)
        inline = draw(st.lists(entries, max_size=5, unique_by=lambda e: e.name))
        return RefTable(oid_len, tuple(sorted(inline, key=lambda e: e.name)), (), no_blocks)
    records = draw(st.lists(st.builds(BlockRecord, digests, counts, names), min_size=1, max_size=4))
    by_first = {record.first: record for record in records}
    return RefTable(oid_len, None, tuple(by_first[first] for first in sorted(by_first)), no_blocks)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    object_format = draw(st.sampled_from(sorted(OID_LENGTHS)))
    return Manifest(
        object_format=object_format,
        head=draw(names),
        parent=draw(st.none() | digests),
        time_ms=draw(counts),
        actor=draw(st.text()),
        request_id=draw(st.text()),
        kind=draw(st.sampled_from(PublishKind)),
        sealed=draw(st.booleans()),
        packs=tuple(draw(packs)),
        refs=draw(tables(OID_LENGTHS[object_format])),
    )


OID = b"\x11" * 20
SAMPLE = Manifest(
    object_format="sha1",
    head=b"refs/heads/main",
    parent=b"\x22" * 32,
    time_ms=1_700_000_000_000,
    actor="token:a",
    request_id="request-1",
    kind=PublishKind.PUSH,
    sealed=True,
    packs=(PackRecord(b"\x33" * 32, 1000, 10, PackPlace.TAIL), PackRecord(b"\x44" * 32, 99, 9, PackPlace.BLOB)),
    refs=RefTable(
        20,
        (RefEntry(b"refs/heads/caf\xe9", OID), RefEntry(b"refs/heads/main", OID), RefEntry(b"refs/tags/v1", OID, OID)),
        (),
        no_blocks,
    ),
)


@given(manifest=manifests())
def test_a_manifest_comes_back_from_its_bytes_as_it_was(manifest: Manifest) -> None:
    assert decode_manifest(encode_manifest(manifest), no_blocks) == manifest


@pytest.mark.parametrize("actor", ["", "\n", '"', "\\", "\r\n\u2028", "\ud800", "\x00", "Jürgen 🦊", "ref x"])
def test_an_odd_actor_stays_on_its_line(actor: str) -> None:
    data = encode_manifest(replace(SAMPLE, actor=actor))
    assert data.count(b"\n") == encode_manifest(SAMPLE).count(b"\n")
    assert decode_manifest(data, no_blocks).actor == actor


def test_only_a_generation_after_the_first_is_written() -> None:
    """Manifests from before there were generations have the same bytes, and so the same names."""
    digest = b"\x44" * 32
    later = replace(SAMPLE, packs=(PackRecord(digest, 99, 9, PackPlace.BLOB, 3),))
    assert b"\npack %b 99 9 blob\n" % digest.hex().encode() in encode_manifest(SAMPLE)
    assert b"\npack %b 99 9 blob 3\n" % digest.hex().encode() in encode_manifest(later)


@pytest.mark.parametrize("line", [b"tail 1", b"blob 0", b"blob -1", b"blob 03", b"blob 1 2", b"blob ", b"blob x"])
def test_a_generation_of_another_spelling_or_of_a_row_is_refused(line: bytes) -> None:
    record = PackRecord(b"\x44" * 32, 99, 9, PackPlace.BLOB)
    data = encode_manifest(replace(SAMPLE, packs=(record,)))
    with pytest.raises(CorruptManifest):
        decode_manifest(data.replace(b" 99 9 blob\n", b" 99 9 %b\n" % line), no_blocks)


def test_the_digest_of_a_manifest_is_the_sha256_of_its_bytes() -> None:
    data = encode_manifest(SAMPLE)
    assert digest_of(data) == hashlib.sha256(data).digest()


def test_every_change_of_one_bit_is_refused_or_spells_another_manifest() -> None:
    data = encode_manifest(SAMPLE)
    refused = 0
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            refused += is_refused_or_another(bytes(changed))
    assert refused > len(data)


@settings(max_examples=200)
@given(manifest=manifests(), at=st.integers(0), byte=st.integers(0, 255))
def test_any_changed_byte_is_refused_or_spells_another_manifest(manifest: Manifest, at: int, byte: int) -> None:
    data = bytearray(encode_manifest(manifest))
    data[at % len(data)] ^= byte or 1
    is_refused_or_another(bytes(data))


def is_refused_or_another(data: bytes) -> bool:
    try:
        other = decode_manifest(data, no_blocks)
    except CorruptManifest:
        return True
    assert encode_manifest(other) == data
    return False


@given(manifest=manifests(), at=st.integers(0))
def test_a_manifest_that_is_cut_short_inside_a_line_is_refused(manifest: Manifest, at: int) -> None:
    data = encode_manifest(manifest)
    cut = data[: at % len(data)]
    if not cut.endswith(b"\n"):
        with pytest.raises(CorruptManifest):
            decode_manifest(cut, no_blocks)


REF = b"ref " + OID.hex().encode() + b" - "
PACK = b"pack " + b"33" * 32
PACK_LINE = b"pack " + b"55" * 32 + b" 1000 10 tail\n"
DAMAGE = {
    "another version": (b"packhouse-manifest 1", b"packhouse-manifest 2"),
    "unknown object format": (b"format sha1", b"format sha512"),
    "fields in another order": (b"kind push\nsealed yes", b"sealed yes\nkind push"),
    "a field left out": (b"time 1700000000000\n", b""),
    "a short parent": (b"parent 22", b"parent "),
    "a parent in capitals": (b"parent " + b"22" * 32, b"parent " + b"AB" * 32),
    "a time that is no number": (b"time 1700000000000", b"time soon"),
    "a time with a leading zero": (b"time 17", b"time 017"),
    "an actor that is no string": (b'actor "token:a"', b"actor 7"),
    "an actor that does not end": (b'actor "token:a"', b'actor "token:a'),
    "an actor spelt another way": (b'actor "token:a"', b'actor "\\u0074oken:a"'),
    "an unknown kind": (b"kind push", b"kind shove"),
    "neither sealed nor not": (b"sealed yes", b"sealed maybe"),
    "a pack without a place": (b" tail\n", b"\n"),
    "a pack in an unknown place": (b" tail\n", b" attic\n"),
    "a pack with a short digest": (PACK, PACK[:-2]),
    "a pack whose size is no number": (PACK + b" 1000", PACK + b" many"),
    "an unknown line": (PACK, b"sack"),
    "a ref without a name": (REF + b"refs/heads/main\n", REF[:-1] + b"\n"),
    "a ref whose id is no hexadecimal": (REF + b"refs/heads/main", b"ref " + b"xx" * 20 + b" - refs/heads/main"),
    "a ref with a short id": (REF + b"refs/heads/main", b"ref 1111 - refs/heads/main"),
    "a ref that peels to a short id": (REF + b"refs/heads/main", REF[:-2] + b"1111 refs/heads/main"),
    "refs out of order": (b"- refs/heads/main\n", b"- refs/heads/aaaa\n"),
    "a ref named twice": (b"- refs/heads/main\n", b"- refs/heads/caf\xe9\n"),
    "refs in blocks and inline": (b"refs/tags/v1\n", b"refs/tags/v1\nrefs " + b"55" * 32 + b" 70 refs/tags/v2\n"),
    "no line feed at the end": (b"refs/tags/v1\n", b"refs/tags/v1"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_refused(what: str) -> None:
    old, new = DAMAGE[what]
    data = encode_manifest(SAMPLE)
    assert old in data
    with pytest.raises(CorruptManifest):
        decode_manifest(data.replace(old, new, 1), no_blocks)


@pytest.mark.parametrize("data", [b"", b"\n", encode_manifest(SAMPLE) + b"\n", encode_manifest(SAMPLE) + PACK_LINE])
def test_too_little_and_too_much_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptManifest):
        decode_manifest(data, no_blocks)


def test_blocks_out_of_order_are_refused() -> None:
    blocks = tuple(BlockRecord(bytes([at]) * 32, 70, b"refs/%d" % at) for at in (2, 1))
    data = encode_manifest(replace(SAMPLE, refs=RefTable(20, None, blocks, no_blocks)))
    with pytest.raises(CorruptManifest):
        decode_manifest(data, no_blocks)
