"""A certificate in a push's request: what it says, and what breaks it. Format: gitprotocol-pack(5)."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol import (
    Command,
    PackData,
    PushCertificate,
    PushCommands,
    ReceivePackOffer,
    ReceivePackRequestParser,
    RemoteProtocolError,
    WireLimits,
)
from tests.support.wire_client import certificate_text, signed_push_request

OFFER = ReceivePackOffer(agent=b"packhouse/1", push_options=True, push_certificate_nonce=b"1-nonce")
NULL, A, B = bytes(20), b"\xaa" * 20, b"\xbb" * 20
MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
SIGNATURE = b"-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n"
TEXT = certificate_text([(NULL, A, MAIN)], nonce=b"1-nonce")


def push_of(body: bytes, *, limits: WireLimits | None = None) -> PushCommands:
    parser = ReceivePackRequestParser(OFFER, limits or WireLimits())
    events = [event for event in parser.feed(body) if not isinstance(event, PackData)]
    parser.finish()
    [push] = events
    assert isinstance(push, PushCommands)
    return push


def refusal(body: bytes, *, limits: WireLimits | None = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        push_of(body, limits=limits)
    return caught.value.sentence.decode()


def body_of(*packets: Packet) -> bytes:
    """Packets behind the one that opens a certificate."""
    return encode_many([b"push-cert\0 report-status push-options", *packets])


def test_commands_of_a_signed_push_are_those_of_its_certificate() -> None:
    text = certificate_text([(NULL, A, MAIN), (A, B, SIDE)], nonce=b"1-nonce", push_options=[b"a", b"b c"])
    push = push_of(signed_push_request(text, SIGNATURE, push_options=[b"a", b"b c"]))
    assert push.commands == (Command(NULL, A, MAIN), Command(A, B, SIDE))
    assert push.push_options == (b"a", b"b c")
    assert push.certificate == PushCertificate(
        payload=text,
        signature=SIGNATURE,
        pusher=b"SHA256:key 1700000000 +0100",
        pushee=b"https://example.org/git/a.git",
        nonce=b"1-nonce",
        push_options=(b"a", b"b c"),
    )


def test_the_signed_bytes_are_kept_to_the_byte() -> None:
    text = TEXT.replace(b"pushee ", b"x-future  header \t\nx-empty\npushee ")
    push = push_of(signed_push_request(text, SIGNATURE))
    assert push.certificate is not None
    assert push.certificate.payload + push.certificate.signature == text + SIGNATURE


def test_a_certificate_may_lack_nonce_url_and_signature() -> None:
    text = certificate_text([(NULL, A, MAIN)], nonce=None, pushee=None)
    certificate = push_of(signed_push_request(text, b"")).certificate
    assert certificate is not None
    assert (certificate.nonce, certificate.pushee, certificate.signature) == (None, None, b"")


def test_a_shallow_client_signs_as_well() -> None:
    push = push_of(signed_push_request(TEXT, SIGNATURE, shallow=[B]))
    assert (push.shallow, len(push.commands)) == ((B,), 1)


def test_a_signed_deletion_has_no_pack() -> None:
    assert not push_of(signed_push_request(certificate_text([(A, NULL, MAIN)]), SIGNATURE)).expects_pack


def test_the_last_command_needs_no_newline() -> None:
    lines = TEXT.splitlines(keepends=True)
    body = body_of(*lines[:-1], lines[-1].rstrip(b"\n"), b"push-cert-end", FLUSH, FLUSH)
    assert push_of(body).commands == (Command(NULL, A, MAIN),)


COMMAND = b"%b %b %b\n" % (b"0" * 40, b"aa" * 20, MAIN)
HEAD = [b"certificate version 0.1\n", b"pusher me 1 +0000\n"]


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        ([*HEAD, b"\n", COMMAND, FLUSH], "protocol error: got an unexpected packet 0000"),
        ([*HEAD, DELIM], "protocol error: got an unexpected packet 0001"),
        ([*HEAD, COMMAND, b"push-cert-end\n"], "malformed push certificate 'certificate version 0.1"),
        ([b"push-cert-end\n"], "malformed push certificate ''"),
        (
            [b"certificate version 0.2\n", HEAD[1], b"\n", b"push-cert-end\n"],
            "it starts with 'certificate version 0.2'",
        ),
        ([HEAD[0], b"\n", COMMAND, b"push-cert-end\n"], "malformed push certificate: it names no pusher"),
        ([*HEAD, HEAD[1], b"\n", COMMAND, b"push-cert-end\n"], "malformed push certificate: two lines 'pusher'"),
        ([*HEAD, b"nonce \n", b"nonce \n", b"\n", b"push-cert-end\n"], "two lines 'nonce'"),
        ([*HEAD, b"\n", b"push-cert-end\n", FLUSH, FLUSH], "protocol error: a push certificate without commands"),
        ([*HEAD, b"\n", b"x\n", b"push-cert-end\n"], "protocol error: expected old/new/ref, got 'x'"),
        ([*HEAD, b"\n", COMMAND[:-1] + b"\0\n", b"push-cert-end\n"], "malformed push certificate 'certificate"),
        (
            [*HEAD, b"\n", COMMAND, b"push-cert-end\n", COMMAND],
            "protocol error: got both push certificate and unsigned commands",
        ),
        (
            [*HEAD, b"\n", COMMAND, b"push-cert-end\n", b"push-cert\n"],
            "protocol error: got both push certificate and unsigned commands",
        ),
    ],
)
def test_what_is_no_certificate_fails_the_push(packets: list[Packet], sentence: str) -> None:
    assert sentence in refusal(body_of(*packets))


def test_a_certificate_behind_a_command_fails_the_push() -> None:
    body = encode_many([COMMAND + b"\0 report-status", b"push-cert\n"])
    assert refusal(body) == "protocol error: got both push certificate and unsigned commands"


def test_without_an_offer_a_certificate_is_not_accepted() -> None:
    parser = ReceivePackRequestParser(ReceivePackOffer(agent=b"packhouse/1"), WireLimits())
    with pytest.raises(RemoteProtocolError, match="push certificates are not accepted here"):
        parser.feed(signed_push_request(TEXT, SIGNATURE))


def test_a_certificate_has_a_greatest_size() -> None:
    body = signed_push_request(TEXT, SIGNATURE)
    size = len(TEXT + SIGNATURE)
    assert push_of(body, limits=WireLimits(max_push_certificate_bytes=size)).certificate is not None
    sentence = refusal(body, limits=WireLimits(max_push_certificate_bytes=size - 1))
    assert sentence == f"push certificate of more than {size - 1} bytes"


def test_commands_and_push_options_of_a_certificate_are_counted() -> None:
    many = certificate_text([(NULL, A, MAIN), (NULL, A, SIDE)], push_options=[b"a", b"b"])
    assert refusal(signed_push_request(many, b""), limits=WireLimits(max_commands=1)) == "a push of more than 1 refs"
    assert refusal(signed_push_request(many, b""), limits=WireLimits(max_push_options=1)) == "more than 1 push options"


def test_a_name_in_a_certificate_may_be_any_bytes_but_is_judged_like_others() -> None:
    push = push_of(signed_push_request(certificate_text([(NULL, A, b"refs/heads/a b\xff")]), SIGNATURE))
    assert push.commands[0].name == b"refs/heads/a b\xff"
