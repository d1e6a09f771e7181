"""Writes the seeds in fuzz/corpus: `python -m fuzz.make_corpus`. The same seeds each time, given the same Git and zlib.

What fuzzing finds beyond them is kept locally, in fuzz/build; a crash becomes a file in fuzz/regressions.
"""

from __future__ import annotations

import shutil
import struct
import tempfile
from pathlib import Path

from core_ext import write_bitmaps
from fuzz import world
from fuzz.mutators import bitmap
from fuzz.mutators.delta import join
from fuzz.mutators.idx import mended
from fuzz.targets.pack import MAX_DELTA_DEPTH, MAX_OBJECT_BYTES
from fuzz.targets.tree import FILE, INNER
from packengine.pktline import DELIM, FLUSH, RESPONSE_END, Packet, encode_many
from tests.support import legacy_client
from tests.support.git import git
from tests.support.graph_files import NO_PARENT, chunks_of, graph_bytes, joined
from tests.support.pack_twin import Stored, write_pack
from tests.support.raw_packs import (
    BLOB,
    COMMIT,
    EMPTY_TREE,
    NULL,
    OFS_DELTA,
    REF_DELTA,
    TREE,
    commit_content,
    copy,
    delta,
    entry,
    oid_of,
    pack_of,
    tree_content,
)
from tests.support.wire_client import (
    certificate_text,
    command_request,
    fetch_request,
    ls_refs_request,
    push_request,
    signed_push_request,
)

CORPUS = Path(__file__).parent / "corpus"
ONE, TWO, THREE = (bytes([number]) * 20 for number in (1, 2, 3))


def main() -> None:
    """Write all seeds anew."""
    shutil.rmtree(CORPUS, ignore_errors=True)
    for target, seeds in all_seeds().items():
        folder = CORPUS / target
        folder.mkdir(parents=True)
        for name, seed in seeds.items():
            (folder / name).write_bytes(seed)


def all_seeds() -> dict[str, dict[str, bytes]]:
    """Seeds by target and name."""
    return {
        "pktline": pktline_seeds(),
        "upload_pack_request": upload_pack_seeds(),
        "legacy_upload_pack_request": legacy_upload_pack_seeds(),
        "receive_pack_request": receive_pack_seeds(),
        "remote_answer": remote_answer_seeds(),
        "http1": http1_seeds(),
        "object": object_seeds(),
        "tree": tree_seeds(),
        "delta": delta_seeds(),
        "idx": idx_seeds(),
        "bitmap": bitmap_seeds(),
        "commit_graph": commit_graph_seeds(),
        "pack": {**pack_seeds(), **git_packs()},
    }


def pktline_seeds() -> dict[str, bytes]:
    """Good streams, and one for each way to be wrong."""
    return {
        "lines": encode_many([b"first\n", b"second\n", DELIM, b"third", FLUSH]),
        "markers": encode_many([FLUSH, DELIM, RESPONSE_END, b"", FLUSH]),
        "upper-case-digits": b"000Asixty1000aSIXTY2",
        "rest-behind-flush": encode_many([b"line", FLUSH]) + b"PACK\0\0\0\2",
        "cut-in-length": encode_many([b"line"]) + b"00",
        "cut-in-payload": b"0010line",
        "longest-announced": b"fff0the beginning",
        "too-long": b"fff1",
        "length-three": encode_many([b"line"]) + b"0003",
        "not-hexadecimal": encode_many([b"line"]) + b"00g0",
        "many": encode_many([b"%d" % number for number in range(40)]),
    }


def upload_pack_seeds() -> dict[str, bytes]:
    """What clients ask, and what they must not."""
    fetch = fetch_request([ONE, TWO], [THREE], done=False)
    one, two = ONE.hex().encode(), TWO.hex().encode()
    return {
        "probe": encode_many([FLUSH]),
        "ls-refs": ls_refs_request(b"refs/heads/", b"refs/tags/", b"HEAD"),
        "ls-refs-many-prefixes": ls_refs_request(*(b"refs/heads/%d" % number for number in range(9))),
        "ls-refs-without-arguments": encode_many([b"command=ls-refs\n", FLUSH]),
        "clone": fetch_request([ONE]),
        "fetch": fetch,
        "fetch-all-flags": fetch_request([ONE], flags=[b"thin-pack", b"ofs-delta", b"include-tag", b"wait-for-done"]),
        "fetch-twice": fetch + fetch,
        "session": encode_many([b"command=fetch", b"session-id=a", b"agent=b c\x07", DELIM, b"done", FLUSH]),
        "server-options": encode_many([b"server-option=a", b"server-option=", b"command=ls-refs", FLUSH]),
        "filter": command_request(b"fetch", [b"filter blob:none", b"want " + one]),
        "filter-combined": command_request(
            b"fetch", [b"filter combine:combine:tree:1%2Bblob:limit=2k+object:type=tag"]
        ),
        "filter-sparse": command_request(b"fetch", [b"filter sparse:oid=main:a%20b"]),
        "filter-reserved": command_request(b"fetch", [b"filter combine:tree:0x1F+sparse:oid=a~b"]),
        "filter-twice": command_request(b"fetch", [b"filter tree:0", b"filter tree:0"]),
        "deepen": command_request(b"fetch", [b"deepen 1", b"shallow " + one, b"deepen-relative"]),
        "deepen-since": command_request(b"fetch", [b"deepen-since 1700000000", b"deepen-not v1", b"want " + one]),
        "deepen-both": command_request(b"fetch", [b"deepen 1", b"deepen-not v1"]),
        "deepen-zero": command_request(b"fetch", [b"deepen 0"]),
        "want-ref": command_request(b"fetch", [b"want-ref HEAD", b"want-ref refs/heads/main", b"sideband-all"]),
        "want-ref-twice": command_request(b"fetch", [b"want-ref HEAD", b"want-ref HEAD"]),
        "packfile-uris": command_request(b"fetch", [b"sideband-all", b"packfile-uris https,ftp,http"]),
        "object-info": command_request(b"object-info", [b"size", b"oid " + one, b"oid " + two]),
        "object-info-bad-oid": command_request(b"object-info", [b"oid 12"]),
        "bundle-uri": command_request(b"bundle-uri", []),
        "bundle-uri-argument": command_request(b"bundle-uri", [b"a"]),
        "other-object-format": ls_refs_request().replace(b"sha1", b"sha9"),
        "unknown-command": command_request(b"push", []),
        "bad-oid": command_request(b"fetch", [b"want 12345", b"done"]),
        "no-command": encode_many([b"agent=x", DELIM, FLUSH]),
        "response-end": encode_many([b"command=fetch", RESPONSE_END, FLUSH]),
    }


def remote_answer_seeds() -> dict[str, bytes]:
    """What servers answer to our imports, and what they must not."""
    one, two = ONE.hex().encode(), TWO.hex().encode()
    words = b"multi_ack_detailed side-band-64k symref=HEAD:refs/heads/main object-format=sha1 agent=git/2"
    tag = [two + b" refs/tags/v1\n", one + b" refs/tags/v1^{}\n"]
    listed: list[Packet] = [one + b" HEAD\0" + words, one + b" refs/heads/main\n", *tag]
    pack: list[Packet] = [b"\x01PACK\0\0\0\2", b"\x02Counting objects: 1\r", b"\x01", b"\x01rest", FLUSH]
    service: list[Packet] = [b"# service=git-upload-pack\n", FLUSH]
    return {
        "version-2": encode_many([*service, b"version 2\n", b"agent=git/2\n", b"fetch=shallow\n", FLUSH]),
        "version-0": encode_many([*service, *listed, FLUSH]),
        "version-1": encode_many([b"version 1\n", *listed, FLUSH]),
        "no-refs": encode_many([*service, bytes(20).hex().encode() + b" capabilities^{}\0" + words, FLUSH]),
        "shallow-remote": encode_many([one + b" refs/heads/main\0" + words, b"shallow " + one, FLUSH]),
        "other-object-format": encode_many([one + b" HEAD\0object-format=sha256", FLUSH]),
        "refs": encode_many(
            [one + b" HEAD symref-target:refs/heads/main\n", two + b" refs/tags/v1 peeled:" + one + b"\n", FLUSH]
        ),
        "unborn": encode_many([b"unborn HEAD symref-target:refs/heads/main\n", FLUSH]),
        "same-ref-twice": encode_many([one + b" refs/heads/main\n", two + b" refs/heads/main\n", FLUSH]),
        "acknowledgments": encode_many([b"acknowledgments\n", b"ACK " + one, b"NAK\n", FLUSH]),
        "ready": encode_many([b"acknowledgments\n", b"ACK " + one, b"ready\n", DELIM, b"packfile\n", *pack]),
        "pack": encode_many([b"packfile\n", *pack]),
        "shallow-info": encode_many([b"shallow-info\n", b"shallow " + one, DELIM]),
        "error-band": encode_many([b"packfile\n", b"\x01PACK", b"\x03fatal: \xff\n"]),
        "error-packet": encode_many([b"ERR access denied\n"]),
        "older-pack": encode_many([b"ACK " + one + b" common\n", b"ACK " + one + b"\n", *pack]),
        "older-nak": encode_many([b"NAK\n", *pack]),
        "older-round": encode_many([b"ACK " + one + b" common\n", b"NAK\n"]),
        "older-ready": encode_many([b"ACK " + one + b" ready\n", b"NAK\n", b"ACK " + one + b"\n", *pack]),
        "cut": encode_many([b"packfile\n"]) + b"0010\x01PA",
    }


def legacy_upload_pack_seeds() -> dict[str, bytes]:
    """What clients ask before version 2, and what they must not."""
    want, have, shallow = (word + b" " + ONE.hex().encode() for word in (b"want", b"have", b"shallow"))
    deepen_by_time = [shallow, b"deepen-since 1700000000", b"deepen-not refs/heads/main"]
    return {
        "probe": encode_many([FLUSH]),
        "clone": legacy_client.request([ONE, TWO]),
        "fetch": legacy_client.request([ONE], [TWO, THREE], done=False),
        "fetch-twice": legacy_client.request([ONE], [TWO, TWO], done=False) * 2,
        "boundary": legacy_client.boundary_request([ONE], [shallow, b"deepen 3"], capabilities=b"deepen-relative"),
        "boundary-by-time": legacy_client.request([ONE], [TWO], arguments=deepen_by_time),
        "two-boundaries": legacy_client.request([ONE], arguments=[*deepen_by_time, b"deepen 0x10"]),
        "filter": legacy_client.request([ONE], capabilities=b"filter", arguments=[b"filter blob:limit=1k"]),
        "filter-not-negotiated": legacy_client.request([ONE], arguments=[b"filter blob:none"]),
        "session": legacy_client.request([ONE], capabilities=b"multi_ack session-id=a agent=b\x07 object-format=sha1"),
        "other-object-format": legacy_client.request([ONE], capabilities=b"object-format=sha256"),
        "haves-without-wants": encode_many([FLUSH, have, b"done"]),
        "line-of-version-2": encode_many([b"command=fetch", DELIM, want, FLUSH]),
        "wants-behind-the-flush": encode_many([want, FLUSH, want, FLUSH]),
        "bad-have": encode_many([want, FLUSH, b"have 12345", FLUSH]),
        "behind-done": encode_many([want, FLUSH, b"done"]) + b"more",
        "cut": encode_many([want, FLUSH]) + b"00",
    }


def receive_pack_seeds() -> dict[str, bytes]:
    """What clients push, and what they must not."""
    empty_pack = pack_of([])
    create = (NULL, ONE, b"refs/heads/main")
    update, delete = (ONE, TWO, b"refs/heads/topic"), (ONE, NULL, b"refs/heads/old")
    return {
        "probe": encode_many([FLUSH]),
        "create": push_request([create], empty_pack),
        "delete": push_request([delete]),
        "several": push_request([create, update, delete], empty_pack, capabilities=b"report-status-v2 atomic quiet"),
        "options": push_request([create], empty_pack, capabilities=b"push-options", push_options=[b"a=b", b"c"]),
        "no-options": push_request([create], empty_pack, capabilities=b"push-options", push_options=[]),
        "shallow": push_request([create], empty_pack, shallow=[THREE]),
        "session": push_request([update], capabilities=b"session-id=a side-band-64k"),
        "same-ref-twice": push_request([create, create]),
        "funny-name": push_request([(NULL, ONE, b"refs/heads/..")]),
        **certificate_seeds(),
        "second-capabilities": push_request([create]).replace(b"0000", b"", 1) + push_request([update]),
        "bad-line": encode_many([b"%b refs/heads/main\0" % (b"1" * 40), FLUSH]),
        "other-object-format": push_request([create]).replace(b"sha1", b"sha9"),
        "delimiter": encode_many([b"line", DELIM]),
    }


def certificate_seeds() -> dict[str, bytes]:
    """Signed pushes, and what is none."""
    text = certificate_text([(NULL, ONE, b"refs/heads/main"), (ONE, NULL, b"refs/heads/old")], push_options=[b"a=b"])
    armored = b"-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n"
    whole = signed_push_request(text, armored, pack_of([]), push_options=[b"a=b"])
    return {
        "certificate": whole,
        "certificate-bare": encode_many([b"push-cert\0", b"certificate version 0.1\n", b"push-cert-end\n", FLUSH]),
        "certificate-shallow": signed_push_request(text, armored, shallow=[THREE]),
        "certificate-unsigned": signed_push_request(text, b""),
        "certificate-signed-twice": signed_push_request(text, armored * 2),
        "certificate-without-commands": signed_push_request(certificate_text([]), armored),
        "certificate-two-nonces": signed_push_request(text.replace(b"nonce", b"nonce 1\nnonce"), armored),
        "certificate-cut": whole[: len(whole) // 2],
        "certificate-and-command": whole.replace(b"0000", b"", 1),
    }


def http1_seeds() -> dict[str, bytes]:
    """What clients and proxies send, and what they must not."""
    host = b"Host: a.example:8080\r\n"
    push = b"POST /a%20b.git/git-receive-pack?x=%C3%A9 HTTP/1.1\r\n" + host
    chunked = push + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "get": b"GET / HTTP/1.1\r\n" + host + b"User-Agent: git/2\r\nGit-Protocol: version=2\r\n\r\n",
        "pipelined": (b"GET / HTTP/1.1\r\n" + host + b"\r\n") * 3,
        "body-and-next": push + b"Content-Length: 4\r\n\r\n0000GET / HTTP/1.1\r\n" + host + b"\r\n",
        "chunks": chunked + b'4\r\n0000\r\nA;b="c"\r\n0123456789\r\n0\r\nA: b\r\n\r\nOPTIONS * HTTP/1.0\r\n\r\n',
        "chunk-of-no-size": chunked + b"\r\n",
        "chunk-too-long": chunked + b"8000000000000000\r\n",
        "chunk-without-end": chunked + b"1\r\nxx\r\n",
        "chunk-trailer-folded": chunked + b"0\r\nA: b\r\n c\r\n\r\n",
        "continue": push + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
        "upgrade": b"GET / HTTP/1.1\r\n" + host + b"Connection: Upgrade, x\r\nUpgrade: h2c\r\nUpgrade: y\r\n\r\n",
        "absolute": b"GET http://[::1]:80?a HTTP/1.1\r\n" + host + b"\r\n",
        "absolute-1.0": b"GET https://b/%ff HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "connect": b"CONNECT a:443 HTTP/1.1\r\n" + host + b"\r\n",
        "other-version": b"GET / HTTP/2.0\r\n",
        "empty-lines": b"\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "bare-lf": b"GET / HTTP/1.1\n" + host + b"\r\n",
        "folded": b"GET / HTTP/1.1\r\n" + host + b" x\r\n\r\n",
        "two-lengths": push + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\n0000",
        "length-and-chunks": push + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        "other-coding": push + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        "many-fields": b"GET / HTTP/1.1\r\n" + host + b"A: b\r\n" * 60 + b"\r\n",
    }


def object_seeds() -> dict[str, bytes]:
    """One of each kind, in both formats, and what real history has besides."""
    signature = b"gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----\n"
    commit = commit_content(world.TREE.oid, [ONE, TWO])
    entries = [
        (b"100755", b"a", ONE),
        (b"120000", b"b", TWO),
        (b"40000", b"c", THREE),
        (b"160000", b"d", ONE),
        (b"040000", b"e", TWO),
        (b"100644", b".GIT", THREE),
        (b"100644", b".gitmodules", ONE),
    ]
    return {
        "commit": commit,
        "commit-root": world.COMMIT.content,
        "commit-signed": commit.replace(b"\n\n", b"\n" + signature + b"\n", 1),
        "commit-sha256": commit_content(ONE + bytes(12), [TWO + bytes(12)]),
        "commit-bad-person": commit.replace(b"<author@example.org> 17", b"author@example.org -"),
        "commit-without-author": b"tree %b\n\nmessage" % (b"1" * 40),
        "tree": world.TREE.content,
        "tree-all-modes": tree_content(entries),
        "tree-sha256": tree_content([(mode, name, oid + bytes(12)) for mode, name, oid in entries]),
        "tree-null": tree_content([(b"100644", b"..", NULL), (b"100644", b"..", NULL)]),
        "tag": world.TAG.content,
        "tag-without-tagger": world.TAG.content.split(b"tagger")[0] + b"\n",
        "tag-of-blob": b"object %b\ntype blob\ntag name\n\n" % (b"a" * 40),
        "gitmodules": b'[submodule "../up"]\n\tpath = -x\n\turl = --upload-pack=touch\n\tupdate = !sh\n',
        "gitattributes": b"*.txt text\n[attr]binary -diff\n" + b"x" * 3000,
    }


def tree_seeds() -> dict[str, bytes]:
    """Trees as Git writes them, and some that it would not."""
    inner = oid_of(TREE, INNER)
    file, folder = (b"100644", b"a", FILE), (b"40000", b"a.b", inner)
    return {
        "tree": tree_content([file, folder, (b"160000", b"b", ONE), (b"120000", b"c", FILE)]),
        "tree-of-new": tree_content([file, (b"40000", b"new", inner)]),
        "file-called-new": tree_content([file, (b"100755", b"new", FILE)]),
        "odd-modes": tree_content([(b"100664", b"a", FILE), (b"040000", b"b", inner), (b"644", b"c", FILE)]),
        "out-of-order": tree_content([folder, file]),
        "twice": tree_content([file, file]),
        "file-and-folder": tree_content([file, folder, (b"40000", b"a", inner)]),
        "slash": tree_content([(b"100644", b"a/b", FILE), (b"40000", b"new", inner)]),
        "missing": tree_content([(b"40000", b"a", ONE), (b"40000", b"new", TWO)]),
        "empty-folder": tree_content([(b"40000", b"a", EMPTY_TREE), (b"40000", b"new", EMPTY_TREE)]),
        "cut": tree_content([file, folder])[:-3],
    }


def delta_seeds() -> dict[str, bytes]:
    """Every instruction, and every way in which a delta fails to fit."""
    base, size = world.TEXT, len(world.TEXT)
    return {
        "copy-and-insert": join(base, delta(size, 43, copy(0, 40), b"\3end")),
        "copy-all": join(base, delta(size, size, copy(0, size))),
        "short-copy": join(base, delta(size, 16, b"\x90\x10")),
        "insert-only": join(b"", delta(0, 5, b"\5hello")),
        "empty": join(b"", delta(0, 0)),
        "copy-of-64-kib": join(base, delta(size, 0x10000, b"\x80")),
        "beyond-the-base": join(base, delta(size, 10, copy(size - 5, 10))),
        "too-much": join(base, delta(size, 5, copy(0, 10))),
        "too-little": join(base, delta(size, 50, copy(0, 10))),
        "other-base-size": join(base, delta(size + 1, 10, copy(0, 10))),
        "over-the-limit": join(base, delta(size, 1 << 40, copy(0, 10))),
        "reserved": join(base, delta(size, 0, b"\0")),
        "cut-insert": join(base, delta(size, 9, b"\x09cut")),
        "cut-copy": join(base, delta(size, 9, b"\xff\0\0")),
        "endless-size": join(base, b"\xff" * 12),
        "padded-size": join(b"", b"\x80\x80\0\0"),
        "edited-text": join(base, base[:200] + b"in the middle" + base[200:]),
    }


def bitmap_seeds() -> dict[str, bytes]:
    """Ours, and others made by hand."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bitmap")
        write_bitmaps(world.known(), [world.COMMIT.oid], str(path), max_memory_bytes=1 << 20)
        ours = path.read_bytes()
    file = bitmap.split(ours)
    assert file is not None
    chain = [bitmap.Entry(0, bitmap.ewah(0b111111)), bitmap.Entry(3, bitmap.ewah(0b101), 1)]
    return {
        "ours": ours,
        "chain": bitmap.join(bitmap.File(file.kinds, chain, file.flags, file.tables)),
        "without-tables": bitmap.join(bitmap.File(file.kinds, file.entries, bitmap.FULL_DAG, b"")),
        "lookup-table": bitmap.join(
            bitmap.File(file.kinds, file.entries, bitmap.FULL_DAG | bitmap.LOOKUP_TABLE, bytes(16 * len(file.entries)))
        ),
        "bits-beyond": bitmap.join(bitmap.File(file.kinds, [bitmap.Entry(0, bitmap.run_of_ones(2))])),
        "two-kinds": bitmap.join(bitmap.File([file.kinds[0]] * 4, file.entries)),
    }


def idx_seeds() -> dict[str, bytes]:
    """The true idx, and ones that are wrong in a single way."""
    _, idx = world.pack_and_idx()
    count = len(world.OBJECTS)
    offsets = 8 + 1024 + 24 * count
    large = idx[:offsets] + struct.pack(">I", 1 << 31) + idx[offsets + 4 : -40] + b"\0" * 4 + idx[offsets : offsets + 4]
    return {
        "true": idx,
        "large-offset": mended(large + bytes(40)),
        "large-offset-nowhere": mended(idx[:offsets] + b"\x80\0\0\7" + idx[offsets + 4 :]),
        "same-offset-twice": mended(idx[:offsets] + idx[offsets + 4 : offsets + 8] + idx[offsets + 4 :]),
        "offset-in-an-entry": mended(idx[:offsets] + struct.pack(">I", 20) + idx[offsets + 4 :]),
        "other-id": mended(idx[:1032] + bytes(20) + idx[1052:]),
        "other-crc": mended(idx[: 1032 + 20 * count] + bytes(4) + idx[1036 + 20 * count :]),
        "unmended": idx[:-1] + b"\0",
        "cut": idx[:-41],
        "version-1": idx[8:],
    }


def commit_graph_seeds() -> dict[str, bytes]:
    """The true commit-graph, and ones that are wrong in a single way."""
    graph = graph_bytes(world.history_pack())
    chunks = chunks_of(graph)

    def edited(name: bytes, chunk: bytes) -> bytes:
        return joined(graph[:6], list({**chunks, name: chunk}.items()))

    return {
        "true": graph,
        "unmended": graph[:-1] + b"\0",
        "cut": graph[:-21],
        "roots-only": edited(
            b"CDAT", chunks[b"CDAT"].replace(chunks[b"CDAT"][20:28], struct.pack(">2I", *[NO_PARENT] * 2))
        ),
        "endless-edges": edited(b"EDGE", chunks[b"EDGE"].replace(b"\x80", b"\0")),
        "no-edges": edited(b"EDGE", b""),
        "generations-that-overflow": edited(b"GDA2", b"\x80\0\0\0" * (len(chunks[b"GDA2"]) // 4)),
        "no-generations": joined(graph[:6], [(name, chunk) for name, chunk in chunks.items() if name != b"GDA2"]),
        "unknown-chunk": edited(b"BIDX", b"any"),
    }


def pack_seeds() -> dict[str, bytes]:
    """Packs by hand: each kind of entry, and each way to be wrong."""
    size = len(world.TEXT)
    insert = delta(size, 43, copy(0, 40), b"\3end")
    blob = entry(BLOB, world.TEXT)
    tree = tree_content([(b"100644", b"new", oid_of(BLOB, b"new"))])
    good_modules = b'[submodule "a"]\n\tpath = a\n\turl = ../a\n'
    bad_modules = b'[submodule "../a"]\n\tpath = -a\n\turl = --upload-pack=touch\n'
    files = len(world.TREE.content)
    more = tree_content([(b"100644", b"p", THREE)])
    more_files = delta(files, files + len(more), copy(0, files), bytes([len(more)]) + more)
    chain = [Stored("blob", b"base" * 20)]
    for number in range(MAX_DELTA_DEPTH):
        chain.append(Stored("blob", chain[-1].content + b"%d" % number, base=chain[-1]))
    return {
        "known": world.pack_and_idx()[0],
        "empty": pack_of([]),
        "blob": pack_of([entry(BLOB, b"new")]),
        "commit": pack_of([entry(COMMIT, commit_content(oid_of(TREE, tree))), entry(TREE, tree), entry(BLOB, b"new")]),
        "commit-without-tree": pack_of([entry(COMMIT, commit_content(ONE))]),
        "delta-on-a-broken-base": write_pack(broken_and_whole(by_distance=True))[0],
        "delta-on-a-broken-base-by-name": write_pack(broken_and_whole(by_distance=False))[0],
        "tree-on-a-broken-tree": write_pack(trees_that_share())[0],
        "tree-on-a-known-tree": pack_of([entry(REF_DELTA, more_files, base=world.TREE.oid)]),
        "gitmodules": pack_of([entry(BLOB, good_modules), entry(TREE, modules_tree(good_modules))]),
        "gitmodules-after-tree": pack_of([entry(TREE, modules_tree(bad_modules)), entry(BLOB, bad_modules)]),
        "gitmodules-nowhere": pack_of([entry(TREE, modules_tree(b"elsewhere"))]),
        "gitmodules-is-known": pack_of([entry(TREE, modules_tree(world.TEXT))]),
        "thin": pack_of([entry(REF_DELTA, insert, base=world.BLOB.oid)]),
        "thin-base-nowhere": pack_of([entry(REF_DELTA, insert, base=ONE)]),
        "delta-before-base": pack_of([entry(REF_DELTA, insert, base=world.BLOB.oid), blob]),
        "chain": write_pack(chain)[0],
        "chain-over-the-limit": write_pack([*chain, Stored("blob", b"x", base=chain[-1])])[0],
        "distance-before-the-pack": pack_of([entry(OFS_DELTA, insert, base=b"\x7f")]),
        "stored-blocks": pack_of([entry(BLOB, world.TEXT * 3, level=0)]),
        "blob-over-the-limit": pack_of([entry(BLOB, bytes(MAX_OBJECT_BYTES + 1))]),
        "inflates-over-the-limit": pack_of([entry(BLOB, bytes([n]) * MAX_OBJECT_BYTES) for n in range(9)]),
        "size-lies": pack_of([entry(BLOB, b"new", size=1 << 40)]),
        "same-object-twice": pack_of([blob, blob]),
        "bad-commit": pack_of([entry(COMMIT, b"tree x\n")]),
        "bad-tree": pack_of([entry(TREE, tree_content([(b"040000", b"..", ONE), (b"100644", b"a/b", TWO)]))]),
        "count-lies": pack_of([blob], count=2),
        "too-many-objects": pack_of([], count=1 << 31),
        "bad-kind": pack_of([entry(5, b"new")]),
        "behind-the-pack": pack_of([blob]) + b"more",
        "cut": pack_of([blob])[:-30],
    }


def broken_and_whole(*, by_distance: bool) -> list[Stored]:
    """A commit whose tree is nowhere, one that refers to it, and in between whole ones that stand on them as deltas."""
    broken = Stored("commit", commit_content(ONE, message=b"Broken\n"))
    child = Stored("commit", commit_content(world.TREE.oid, [broken.oid]), base=broken, by_distance=by_distance)
    whole = Stored("commit", commit_content(world.TREE.oid, message=b"Whole\n"), base=broken, by_distance=by_distance)
    last = Stored("commit", commit_content(world.TREE.oid, [whole.oid]), base=child, by_distance=by_distance)
    return [broken, child, whole, last]


def trees_that_share() -> list[Stored]:
    """Trees as deltas: with entries that are missing in both, in one, and that change their kind and nothing else."""
    first = Stored("tree", tree_content([(b"100644", b"a", ONE), (b"100644", b"b", world.BLOB.oid)]))
    second = tree_content([(b"100644", b"a", ONE), (b"40000", b"b", world.BLOB.oid), (b"100644", b"c", TWO)])
    third = tree_content([(b"100644", b"b", world.BLOB.oid)])
    return [first, Stored("tree", second, base=first), Stored("tree", third, base=first, by_distance=False)]


def modules_tree(content: bytes) -> bytes:
    """A tree with a .gitmodules of this content."""
    return tree_content([(b"100644", b".gitmodules", oid_of(BLOB, content))])


def git_packs() -> dict[str, bytes]:
    """A small history as Git packs it."""
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        git("init", "--quiet", "--initial-branch=main", name)
        for number in range(6):
            (repository / "file").write_bytes(world.TEXT + b"%d\n" % number)
            (repository / "folder").mkdir(exist_ok=True)
            (repository / "folder" / f"file{number}").write_bytes(b"content %d\n" % number)
            git("add", ".", cwd=repository)
            git("commit", "--quiet", "--message", f"Number {number}", cwd=repository)
        git("tag", "--annotate", "--message", "A tag", "v1", cwd=repository)
        pack = ["pack-objects", "--revs", "--stdout", "--quiet", "--threads=1", "--window=50"]
        return {
            "git-by-distance": git(*pack, "--delta-base-offset", cwd=repository, stdin=b"main\nv1\n"),
            "git-by-name": git(*pack, cwd=repository, stdin=b"main\nv1\n"),
            "git-thin": git(*pack, "--thin", cwd=repository, stdin=b"main\n^main~2\n"),
        }


if __name__ == "__main__":
    main()
