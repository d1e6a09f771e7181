"""How a push is answered, and the one place that can say that it succeeded (design, law 4).

`committed_report` alone writes `ok`, and it takes the committed result: without one there are only refusals to report.
Format: gitprotocol-pack(5), "Report Status".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from packengine.pktline import MAX_PAYLOAD_BYTES
from packengine.protocol._answers import END, err_packet, fatal, progress
from packengine.protocol._chunks import encode_lines
from packengine.protocol._errors import LocalProtocolError
from packengine.protocol._push_request import PushCapabilities
from packengine.sideband import DATA_BAND, encode_band


class DurableResult(Protocol):
    """What only a catalog makes, after its transaction is durable."""

    @property
    def pointer(self) -> object:
        """The pointer as it was moved; never None."""


def committed_report(
    committed: DurableResult, verdicts: Sequence[tuple[bytes, str | None]], capabilities: PushCapabilities
) -> Iterator[bytes]:
    """The answer to a push of which at least a part was published, in large chunks up to its end.

    verdicts: (ref, None if it moved, else why not), in the order of the commands.
    Raises LocalProtocolError, before anything is made, if nothing was committed.
    """
    if getattr(committed, "pointer", None) is None:
        raise LocalProtocolError("a push cannot be reported as successful before it is committed")
    lines = (b"ok %b" % ref if reason is None else _refusal(ref, reason) for ref, reason in verdicts)
    return _report("ok", lines, capabilities)


def rejected_report(
    unpack_error: str | None, refusals: Sequence[tuple[bytes, str]], capabilities: PushCapabilities
) -> Iterator[bytes]:
    """The answer to a push that changed nothing, in large chunks up to its end.

    unpack_error: what was wrong with the pack, or None if the pack was fine and each ref was refused.
    """
    return _report(unpack_error or "ok", (_refusal(ref, reason) for ref, reason in refusals), capabilities)


def push_message(text: str, capabilities: PushCapabilities) -> bytes:
    """Words for the person who pushes, shown behind `remote:`. Nothing if the client has no band for them."""
    return progress(text.encode(errors="replace").rstrip(b"\n") + b"\n") if capabilities.side_band_64k else b""


def push_progress(text: str, capabilities: PushCapabilities, *, last: bool = False) -> bytes:
    """A line about work under way, overwritten by the next unless it is the last. Nothing if nobody wants to know."""
    if capabilities.quiet or not capabilities.side_band_64k:
        return b""
    return progress(text.encode() + (b"\n" if last else b"\r"))


def push_error(sentence: bytes, capabilities: PushCapabilities | None) -> bytes:
    """The whole answer to a push that broke the protocol. capabilities: None if the request did not come that far."""
    if capabilities is not None and capabilities.side_band_64k:
        return fatal(sentence) + END
    return err_packet(sentence)


def _refusal(ref: bytes, reason: str) -> bytes:
    return b"ng %b %b" % (ref, _one_line(reason))


def _one_line(text: str) -> bytes:
    return b" ".join(text.encode(errors="backslashreplace").split())


def _report(unpack: str, lines: Iterable[bytes], capabilities: PushCapabilities) -> Iterator[bytes]:
    """In bands the report, with a flush of its own, is data of band 1, and another flush ends the answer."""
    if capabilities.report_status:
        for chunk in encode_lines(_with_newlines(unpack, lines)):
            yield encode_band(DATA_BAND, chunk) if capabilities.side_band_64k else chunk
    if capabilities.side_band_64k:
        yield END


def _with_newlines(unpack: str, lines: Iterable[bytes]) -> Iterator[bytes]:
    yield b"unpack %b\n" % _one_line(unpack)[: MAX_PAYLOAD_BYTES - 8]
    for line in lines:
        yield line[: MAX_PAYLOAD_BYTES - 1] + b"\n"
