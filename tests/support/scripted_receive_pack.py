"""A receive-pack over pipes that reads a push with our parser and gives a verdict it was told to give.

Stock Git runs it as `--receive-pack`, to see whether it understands our advertisement and our reports.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator

from packengine.protocol import (
    PackData,
    ProtocolVersion,
    PushCommands,
    ReceivePackOffer,
    ReceivePackRequestParser,
    Service,
    WireLimits,
    advertise_receive_pack,
    committed_report,
    push_error,
    push_message,
    rejected_report,
    service_preamble,
)

OFFER = ReceivePackOffer(agent=b"scripted/1")


class Durable:
    """A commit that was made up."""

    pointer = 1


def answer(verdict: str, push: PushCommands) -> Iterator[bytes]:
    """What the script says."""
    refs = [command.name for command in push.commands]
    match verdict:
        case "commit":
            yield push_message("hello", push.capabilities)
            yield from committed_report(Durable(), [(ref, None) for ref in refs], push.capabilities)
        case "commit-one":
            verdicts = [(refs[0], None), *((ref, "funny refname") for ref in refs[1:])]
            yield from committed_report(Durable(), verdicts, push.capabilities)
        case "damaged":
            yield from rejected_report("bad trailer", [(ref, "unpacker error") for ref in refs], push.capabilities)
        case "error":
            yield push_error(b"no pushing today", push.capabilities)


def read_push() -> PushCommands:
    """Read commands and pack. The pipe stays open behind the pack, so its end is told by its trailer."""
    parser = ReceivePackRequestParser(OFFER, WireLimits())
    commands: list[PushCommands] = []
    pack = b""
    while not commands or hashlib.sha1(pack[:-20], usedforsecurity=False).digest() != pack[-20:]:
        piece = os.read(0, 1 << 16)
        if not piece:
            raise EOFError("the client hung up inside its push")
        for event in parser.feed(piece):
            if isinstance(event, PushCommands):
                commands.append(event)
            elif isinstance(event, PackData):
                pack += event.data
    return commands[0]


def main() -> None:
    """argv: the verdict, then the repository, which is not looked at."""
    preamble = service_preamble(Service.RECEIVE_PACK)
    advertisement = b"".join(advertise_receive_pack(OFFER, [], ProtocolVersion.V0))
    os.write(1, advertisement.removeprefix(preamble))
    for chunk in answer(sys.argv[1], read_push()):
        os.write(1, chunk)


if __name__ == "__main__":
    main()
