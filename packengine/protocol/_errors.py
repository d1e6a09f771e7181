"""The two ways in which the protocol is broken: by the peer, and by us."""

from __future__ import annotations


class ProtocolError(Exception):
    """Somebody broke the protocol."""


class RemoteProtocolError(ProtocolError):
    """The peer's fault. `sentence` is what to tell it, for an ERR packet or the error band."""

    def __init__(self, sentence: str | bytes) -> None:
        self.sentence = sentence if isinstance(sentence, bytes) else sentence.encode()
        super().__init__(self.sentence.decode(errors="backslashreplace"))


class LocalProtocolError(ProtocolError):
    """Our fault: the caller asked for what the protocol does not allow at this point."""


def shown(line: bytes, *, limit_bytes: int = 200) -> bytes:
    """What of a peer's line may stand in a sentence: printable ASCII, of bounded length."""
    text = repr(line[:limit_bytes])[2:-1].encode("ascii")
    return text + b"..." if len(line) > limit_bytes else text
