"""Bodies of answers: as they are, or gunzipped in bounded pieces."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from server.imports.failures import ImportFailed

PIECE_BYTES = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class BodyDecoder:
    """Decodes one body as it comes. However much a piece inflates to, it is handed out in pieces of bounded size."""

    def __init__(self, content_encoding: str) -> None:
        """Raises ImportFailed for an encoding that was not asked for."""
        if content_encoding.lower() not in ("", "identity", "gzip", "x-gzip"):
            raise ImportFailed(f"the remote answers in an encoding that was not asked for: {content_encoding[:32]!r}")
        self._inflater = zlib.decompressobj(_GZIP) if "gzip" in content_encoding.lower() else None

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Raises ImportFailed for a damaged body, and for one that goes on behind its end."""
        if self._inflater is None:
            if chunk:
                yield chunk
            return
        rest = chunk
        while rest:
            try:
                piece = self._inflater.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise ImportFailed("the remote's answer is damaged: no gzip") from error
            if self._inflater.unused_data:
                raise ImportFailed("the remote's answer goes on behind the end of its gzip")
            rest = self._inflater.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        """The body has ended. Raises ImportFailed if it should have gone on."""
        if self._inflater is not None and not self._inflater.eof:
            raise ImportFailed("the remote hung up in the middle of its answer")
