"""Any body of a push gives the same events or the same RemoteProtocolError, whole or byte by byte."""

from __future__ import annotations

from fuzz.requests import check_parser, parse
from packengine.protocol import PushCommands, ReceivePackOffer, ReceivePackRequestParser, WireLimits, command_refusals

_OFFER = ReceivePackOffer(agent=b"fuzz/1", session_id=b"session", push_options=True, push_certificate_nonce=b"nonce")


def check(body: bytes) -> None:
    """Raises if the parser breaks the rule."""
    check_parser(parser, body)
    for event in parse(parser(WireLimits()), [body]).events:
        if isinstance(event, PushCommands):
            check_verdicts(event)
            check_certificate(event, body)


def check_verdicts(push: PushCommands) -> None:
    """There is a verdict for every command, and a ref that is named twice moves neither time."""
    verdicts = command_refusals(push.commands)
    names = [command.name for command in push.commands]
    assert len(verdicts) == len(names) > 0
    assert all(verdict for verdict, name in zip(verdicts, names, strict=True) if names.count(name) > 1)


def check_certificate(push: PushCommands, body: bytes) -> None:
    """What is done is what is signed, and that is no more than was sent."""
    if (certificate := push.certificate) is None:
        return
    assert len(certificate.payload) + len(certificate.signature) < len(body)
    signed = [
        line.split(b" ", 2) for line in certificate.payload.partition(b"\n\n")[2].removesuffix(b"\n").split(b"\n")
    ]
    assert [(command.old, command.new, command.name) for command in push.commands] == [
        (bytes.fromhex(old.decode()), bytes.fromhex(new.decode()), name) for old, new, name in signed
    ]


def parser(limits: WireLimits) -> ReceivePackRequestParser:
    """One that understands all there is."""
    return ReceivePackRequestParser(_OFFER, limits)
