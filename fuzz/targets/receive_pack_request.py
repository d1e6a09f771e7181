"""Any body of a push gives the same events or the same RemoteProtocolError, whole or byte by byte."""

from __future__ import annotations

from fuzz.requests import check_parser, parse
from packengine.protocol import PushCommands, ReceivePackOffer, ReceivePackRequestParser, WireLimits, command_refusals


def check(body: bytes) -> None:
    """Raises if the parser breaks the rule."""
    check_parser(parser, body)
    for event in parse(parser(WireLimits()), [body]).events:
        if isinstance(event, PushCommands):
            check_verdicts(event)


def check_verdicts(push: PushCommands) -> None:
    """There is a verdict for every command, and a ref that is named twice moves neither time."""
    verdicts = command_refusals(push.commands)
    names = [command.name for command in push.commands]
    assert len(verdicts) == len(names) > 0
    assert all(verdict for verdict, name in zip(verdicts, names, strict=True) if names.count(name) > 1)


def parser(limits: WireLimits) -> ReceivePackRequestParser:
    """One that understands all there is."""
    return ReceivePackRequestParser(ReceivePackOffer(agent=b"fuzz/1", session_id=b"session", push_options=True), limits)
