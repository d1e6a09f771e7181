"""Pushes made straight through an engine, without HTTP."""

from __future__ import annotations

from collections.abc import Sequence

from packengine.protocol import PackData, PushCommands, ReceivePackOffer, ReceivePackRequestParser, WireLimits
from packengine.repository import Actor, Engine, Push
from tests.support.wire_client import push_request

ACTOR = Actor("token:test", "request-1")


def begin_push(
    engine: Engine, repository_id: str, commands: Sequence[tuple[bytes, bytes, bytes]], pack: bytes = b""
) -> Push:
    """A push whose pack has arrived and that nobody has finished. commands: (old oid, new oid, ref), raw."""
    parser = ReceivePackRequestParser(ReceivePackOffer(agent=b"test/1", object_format="sha1"), WireLimits())
    state = engine.load(repository_id)
    push: Push | None = None
    for event in parser.feed(push_request(commands, pack)):
        match event:
            case PushCommands():
                push = engine.pushes.begin(state, event, ACTOR)
            case PackData(data) if push is not None:
                push.feed(data)
    parser.finish()
    assert push is not None
    return push
