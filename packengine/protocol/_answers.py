"""Pieces of an answer that stand in more than one service: errors, messages, and what ends it."""

from __future__ import annotations

from packengine.pktline import FLUSH, MAX_PAYLOAD_BYTES, encode, encode_many
from packengine.sideband import ERROR_BAND, KEEP_ALIVE, PROGRESS_BAND, encode_band

END = encode_many([FLUSH])

_ERR = b"ERR "


def err_packet(sentence: bytes) -> bytes:
    """The end of an answer that is not in bands (yet)."""
    return encode((_ERR + sentence)[:MAX_PAYLOAD_BYTES])


def progress(text: bytes) -> bytes:
    """Words that the client shows behind `remote:`; they end with a newline, or a carriage return to be overwritten."""
    return encode_band(PROGRESS_BAND, text)


def fatal(sentence: bytes) -> bytes:
    """The end of an answer in bands: the client shows the sentence and gives up."""
    return encode_band(ERROR_BAND, sentence.rstrip(b"\n") + b"\n")


__all__ = ["END", "KEEP_ALIVE", "err_packet", "fatal", "progress"]
