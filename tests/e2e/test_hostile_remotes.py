"""Remotes that mean harm, or are broken: an import of them ends in a sentence, and leaves nothing behind."""

from __future__ import annotations

import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from packengine.pktline import DELIM, FLUSH, encode_many
from packengine.sideband import encode_band
from tests.support.imports import Importing, importing
from tests.support.remotes import Exchange, serving
from tests.support.repositories import stored_files
from tests.support.scripted_remote import ADVERTISEMENT, BLOB, OID, PACK, RESULT, V2, pack, packfile, script


@pytest.fixture
async def imports(tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing(tmp_path / "data", request_timeout_secs=0.3, git_body_limit_bytes=100_000) as opened:
        await opened.rest.create("repo")
        yield opened


async def failed(imports: Importing, url: str, **fields: object) -> str:
    """Why the import failed; nothing of it is left."""
    before = stored_files(imports.runner.settings.data_dir)
    job = await imports.run("repo", url, **fields)
    assert job["state"] == "failed"
    assert len(imports.rest.engine.load("repo").manifest.refs) == 0
    assert stored_files(imports.runner.settings.data_dir) == before
    return str(job["error"])


async def test_the_script_works_where_nothing_is_wrong_with_it(imports: Importing) -> None:
    with serving(script()) as remote:
        job = await imports.run("repo", f"{remote.url}/a")
    assert job["state"] == "done"
    assert imports.rest.engine.load("repo").manifest.refs.get(b"refs/tags/blob") is not None


@pytest.mark.parametrize(
    ("advertisement", "sentence"),
    [
        (b"<html>hello</html>", "the remote sends no pkt-lines"),
        (b"", "hung up in the middle"),
        (V2[:-4], "hung up in the middle"),
        (b"0003", "pkt-line"),
        (b"fff1" + b"x" * 100, "pkt-line"),
        (encode_many([b"ERR access denied or repository not exported: /a"]), "the remote refuses: access denied"),
        (encode_many([b"version 2\n", b"agent=x\n", FLUSH]), "the remote does not offer ls-refs"),
        (encode_many([b"version 3\n", FLUSH]), "in its advertisement"),
    ],
)
async def test_a_broken_advertisement(imports: Importing, advertisement: bytes, sentence: str) -> None:
    with serving(script(advertisement=advertisement)) as remote:
        assert sentence in await failed(imports, f"{remote.url}/a")


async def test_endless_refs_end_at_the_limit_of_bytes(imports: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packengine.protocol.client._limits.AnswerLimits.max_listing_packets", 50_000)
    sent: list[int] = []

    def answer(exchange: Exchange) -> None:
        if exchange.method == "GET":
            exchange.answer(headers=ADVERTISEMENT, body=V2)
            return
        exchange.begin(200, RESULT)
        for number in range(10_000_000):
            line = b"%040x refs/heads/%d\n" % (number + 1, number)
            exchange.send(encode_many([line]))
            sent.append(number)

    with serving(answer) as remote:
        assert "more than 50000 pkt-lines" in await failed(imports, f"{remote.url}/a")
    assert len(sent) < 1_000_000


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        (encode_many([OID + b" refs/heads/a\n", OID + b" refs/heads/a\n", FLUSH]), "lists refs/heads/a twice"),
        (encode_many([OID + b" refs/heads/a\n"]), "hung up"),
        (encode_many([b"nonsense\n", FLUSH]), "in its list of refs"),
    ],
)
async def test_a_broken_list_of_refs(imports: Importing, listed: bytes, sentence: str) -> None:
    with serving(script(listed=listed)) as remote:
        assert sentence in await failed(imports, f"{remote.url}/a")


async def test_names_that_no_ref_can_have_are_not_taken(imports: Importing) -> None:
    names = [
        b"refs/tags/../../etc",
        b"refs/tags/a.lock",
        b"refs/tags/\xff\x01",
        b"refs/tags/" + b"x" * 2000,
        b"refs/tags/ok",
    ]
    listed = encode_many([*(OID + b" " + name for name in names), FLUSH])
    with serving(script(listed=listed)) as remote:
        job = await imports.run("repo", f"{remote.url}/a")
    assert job["state"] == "done"
    assert [each["reason"] for each in job["notMoved"]] == ["funny refname"] * 4
    assert [entry.name for entry in imports.rest.engine.load("repo").manifest.refs.scan()] == [b"refs/tags/ok"]


DELTA_BOMB = bytes([0x76, 0xFF, 0xFF, 0x03])  # a ref-delta that says it is large


@pytest.mark.parametrize(
    ("fetched", "sentence"),
    [
        (packfile(PACK[:-10]), "the remote's pack"),
        (packfile(PACK[:-1] + b"x"), "the remote's pack"),
        (packfile(PACK + b"more"), "bytes after its trailer"),
        (packfile(pack((3, BLOB), count=2)), "the remote's pack"),
        (packfile(pack((3, BLOB), count=2_000_000_000)), "the remote's pack"),
        (packfile(pack((3, b"other"))), "lacks what refs/tags/blob needs"),
        (packfile(pack()), "lacks what refs/tags/blob needs"),
        (packfile(b"PACK" + struct.pack(">II", 2, 1) + DELTA_BOMB + bytes(60)), "the remote's pack"),
        (packfile(b"no pack"), "the remote's pack"),
        (encode_many([b"packfile\n"]) + encode_band(1, PACK), "hung up in the middle"),
        (
            encode_many([b"packfile\n"]) + encode_band(1, PACK[:10]) + encode_band(3, b"out of memory\n"),
            "out of memory",
        ),
        (encode_many([b"packfile\n", b"\x07?"]), "no band"),
        (encode_many([b"acknowledgments\n", b"NAK\n", FLUSH]), "the remote sent no pack"),
        (encode_many([b"acknowledgments\n", b"ready\n", DELIM, b"packfile\n", FLUSH]), "the remote sent no pack"),
        (encode_many([b"shallow-info\n", b"shallow " + OID, DELIM]), "shallow repository"),
        (packfile(bytes(200_000)), "the remote's pack"),
        (packfile(pack((3, bytes(150_000)))), "the remote's pack"),
        (packfile(pack(*((3, Random(seed).randbytes(60_000)) for seed in range(2)))), "more than 100000 bytes"),
    ],
)
async def test_a_broken_pack(imports: Importing, fetched: bytes, sentence: str) -> None:
    with serving(script(fetched=fetched)) as remote:
        assert sentence in await failed(imports, f"{remote.url}/a")


async def test_a_pack_whose_objects_lack_others_moves_nothing(imports: Importing) -> None:
    commit = b"tree " + b"1" * 40 + b"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n"
    oid = hashlib.sha1(b"commit %d\0" % len(commit) + commit, usedforsecurity=False).hexdigest().encode()
    listed = encode_many([oid + b" refs/heads/main\n", FLUSH])
    with serving(script(listed=listed, fetched=packfile(pack((1, commit))))) as remote:
        assert "lacks what refs/heads/main needs" in await failed(imports, f"{remote.url}/a")


async def test_words_of_the_remote_are_shown_harmless(imports: Importing) -> None:
    noise = encode_many([b"packfile\n"]) + encode_band(2, b"\x1b]0;owned\x07 hello\n") + encode_band(1, PACK) + b"0000"
    with serving(script(fetched=noise)) as remote:
        job = await imports.run("repo", f"{remote.url}/a")
    assert job["remoteSays"] == "?]0;owned? hello"


# --- HTTP -------------------------------------------------------------------------------------------------------------


def answering(status: int, body: bytes = b"", **headers: str) -> Callable[[Exchange], None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.answer(status, named, body)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (answering(200, b"x", Content_Type="text/html"), "does not answer as a Git server does, but with 'text/html'"),
        (answering(200, b"x"), "does not answer as a Git server does"),
        (answering(401), "answers 401: there is no such repository, or a token is needed"),
        (answering(404), "answers 404"),
        (answering(500), "127.0.0.1 answers 500"),
        (answering(206, V2, **ADVERTISEMENT), "answers 206"),
        (answering(200, V2, **ADVERTISEMENT, Content_Encoding="br"), "an encoding that was not asked for"),
        (answering(200, b"no gzip", **ADVERTISEMENT, Content_Encoding="gzip"), "no gzip"),
        (answering(200, gzip.compress(V2) + b"x", **ADVERTISEMENT, Content_Encoding="gzip"), "behind the end"),
        (answering(200, gzip.compress(V2)[:-9], **ADVERTISEMENT, Content_Encoding="gzip"), "hung up"),
    ],
)
async def test_an_answer_that_is_none(imports: Importing, answer: Callable[[Exchange], None], sentence: str) -> None:
    with serving(answer) as remote:
        assert sentence in await failed(imports, f"{remote.url}/a")


async def test_what_inflates_beyond_the_limit_is_not_taken_in(
    imports: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packengine.protocol.client._limits.AnswerLimits.max_listing_packets", 50_000)
    bomb = gzip.compress(encode_many([b"version 2\n"]) + b"0001" * 50_000_000)
    with serving(script(advertisement=bomb, encoding="gzip")) as remote:
        assert "in its advertisement" in await failed(imports, f"{remote.url}/a")


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Talks to each connection, below HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        talk(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def endless(head: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return talk


@pytest.mark.parametrize(
    ("talk", "sentence"),
    [
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"), "does not speak HTTP"),
        (lambda _: None, "breaks off"),
        (endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: " + b"y" * 1000 + b"\r\n"), "does not speak HTTP"),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "does not come to its answer"),
        (
            lambda connection: connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"
            ),
            "does not speak HTTP",
        ),
    ],
)
async def test_what_is_no_http(imports: Importing, talk: Callable[[socket.socket], None], sentence: str) -> None:
    with raw_server(talk) as port:
        assert sentence in await failed(imports, f"http://127.0.0.1:{port}/a")


async def test_a_remote_that_falls_silent_is_left(imports: Importing) -> None:
    asked = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n000e")
        assert connection.recv(1) == b""  # until the importer gives up
        asked.set()

    with raw_server(talk) as port:
        assert "was silent for 0.3 s" in await failed(imports, f"http://127.0.0.1:{port}/a")
        assert asked.wait(10)


async def test_a_remote_that_trickles_is_left_in_the_end(tmp_path: Path) -> None:
    def talk(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n"
        connection.sendall(head + encode_many([b"version 2\n"]))
        connection.settimeout(0.05)
        for number in range(1_000_000):
            connection.sendall(encode_many([b"x%d" % (number % 500)]))
            try:
                connection.recv(1)
            except TimeoutError:
                continue
            return

    async with importing(tmp_path / "data", import_timeout_secs=0.5) as imports:
        await imports.rest.create("repo")
        with raw_server(talk) as port:
            assert "it took more than 0.5 s" in await failed(imports, f"http://127.0.0.1:{port}/a")


async def test_nobody_listens(imports: Importing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert f"no connection to port {port}" in await failed(imports, f"http://127.0.0.1:{port}/a")


# --- redirects and addresses ------------------------------------------------------------------------------------------

TAIL = "info/refs?service=git-upload-pack"


async def test_a_redirect_within_the_origin_is_followed_with_the_token(imports: Importing) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.path.startswith("/old/"):
            exchange.answer(301, {"Location": f"/new/{TAIL}"})
        else:
            script()(exchange)

    with serving(answer) as remote:
        job = await imports.run("repo", f"{remote.url}/old", token="secret")
    assert job["state"] == "done"
    assert [each.path for each in remote.requests[1:]] == ["/new/info/refs", *["/new/git-upload-pack"] * 2]
    assert all(each.headers["Authorization"] == "Basic eDpzZWNyZXQ=" for each in remote.requests)


async def test_a_token_is_not_taken_along_to_another_server(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"import_allow": ("localhost",), "import_allow_private": True}
    async with importing(tmp_path / "data", **settings) as imports:
        await imports.rest.create("repo")
        with serving(script()) as other:
            location = f"https://localhost:{other.port}/b/{TAIL}"
            with serving(answering(302, Location=location)) as remote:
                error = await failed(imports, f"{remote.url}/a", token="secret")
        assert "it does not speak TLS" in error
        assert other.requests == []


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://127.0.0.1:3001/b/" + TAIL, "is not followed"),
        ("https://127.0.0.1/login", "is no repository"),
        ("file:///etc/passwd", "is no repository"),
        ("https://169.254.169.254/b/" + TAIL, "an address that imports may not go to"),
        ("https://[::ffff:169.254.169.254]/b/" + TAIL, "an address that imports may not go to"),
        ("https://0.0.0.0/b/" + TAIL, "an address that imports may not go to"),
        ("", "is no repository"),
    ],
)
async def test_redirects_that_are_not_followed(imports: Importing, location: str, sentence: str) -> None:
    with serving(answering(302, Location=location)) as remote:
        assert sentence in await failed(imports, f"{remote.url}/a")


async def test_redirects_end(imports: Importing) -> None:
    with serving(answering(302, Location=f"/a/{TAIL}")) as remote:
        assert "redirects more than 5 times" in await failed(imports, f"{remote.url}/a")
        assert len(remote.requests) == 6


async def test_a_post_is_not_redirected(imports: Importing) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.method == "GET":
            script()(exchange)
        else:
            exchange.answer(307, {"Location": "/b/git-upload-pack"})

    with serving(answer) as remote:
        assert "answers 307" in await failed(imports, f"{remote.url}/a")


class Resolver:
    """Tells these addresses, one list for each time it is asked; the last one from then on."""

    def __init__(self, *told: Sequence[str]) -> None:
        self._told = list(told)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._told.pop(0) if len(self._told) > 1 else self._told[0]


async def test_a_name_that_leads_inside_is_refused_by_default(tmp_path: Path) -> None:
    for addresses in (["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"], ["fd00::1"]):
        resolver = Resolver(addresses)
        async with importing(tmp_path / "data", resolver=resolver, import_allow_private=False) as imports:
            await imports.rest.call("DELETE", "/v1/repos/repo")
            await imports.rest.create("repo")
            error = await failed(imports, "https://git.example/a")
            assert "git.example is at an address" in error
            assert addresses[-1] not in error


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::ffff:7f00:1]", "0"])
async def test_no_spelling_of_this_machine_is_admitted(tmp_path: Path, host: str) -> None:
    """By the system's own resolver, which knows more spellings than any list."""
    async with importing(tmp_path / "data", import_allow_private=False) as imports:
        await imports.rest.create("repo")
        answer = await imports.rest.call("POST", "/v1/repos/repo/import", {"url": f"https://{host}/a"})
        if answer.status_code == 200:
            await imports.work()
            error = (await imports.show("repo"))["error"]
        else:
            error = answer.json()["error"]["message"]
        assert "an address that imports may not go to" in error


async def test_a_name_whose_address_changes_is_judged_at_each_connection(tmp_path: Path) -> None:
    """As a rebinding DNS server answers: first what is allowed, then what is not."""
    with serving(script()) as remote:
        resolver = Resolver(["127.0.0.1"], ["10.9.9.9"])
        async with importing(
            tmp_path / "data", resolver=resolver, import_allow_private=False, import_allow=("127.0.0.1",)
        ) as imports:
            await imports.rest.create("repo")
            error = await failed(imports, f"http://rebinding.example:{remote.port}/a")
    assert "rebinding.example is at an address that imports may not go to" in error
    assert resolver.asked == ["rebinding.example"] * 2
    assert len(remote.requests) == 1


async def test_the_connection_goes_to_the_address_that_was_judged(tmp_path: Path) -> None:
    """Nobody else could resolve the name: it exists in the resolver that was asked alone."""
    with serving(script()) as remote:
        async with importing(tmp_path / "data", resolver=Resolver(["127.0.0.1"])) as imports:
            await imports.rest.create("repo")
            job = await imports.run("repo", f"http://nowhere.invalid:{remote.port}/a")
            assert job["state"] == "done"
        assert {each.headers["Host"] for each in remote.requests} == {f"nowhere.invalid:{remote.port}"}


async def test_a_name_without_addresses_is_said(tmp_path: Path) -> None:
    async def resolver(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    async with importing(tmp_path / "data", resolver=resolver) as imports:
        await imports.rest.create("repo")
        assert "git.example: no such host" in await failed(imports, "https://git.example/a")
