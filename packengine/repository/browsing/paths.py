r"""Paths as text. A path in a tree is bytes; JSON and URLs have characters.

The rule is that of git-fast-import(1): a path stands as it is where it is UTF-8, and else in C-style quotes
(`"na\377me"`); so does one that itself begins with a quote, so that no two paths look the same.
"""

from __future__ import annotations

import re

from packengine.repository.errors import BrowsingRefused

MAX_PATH_BYTES = 4096
"""As long as the core takes them, and what Linux opens. Longer ones are listed, but cannot be asked for."""

_SHOWN_CHARACTERS = 200

_QUOTED = re.compile(r'"((?:[^"\\]|\\(?:[abfnrtv"\\]|[0-3][0-7]{2}))*)"', re.DOTALL)
_ESCAPE = re.compile(rb'\\([abfnrtv"\\]|[0-3][0-7]{2})')
_PLAIN = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b'"': b'"',
    b"\\": b"\\",
}


class BadPath(BrowsingRefused):
    """No path of a tree can be written so, or none is there."""


def path_text(path: bytes) -> str:
    """The path as it is told to clients."""
    if not path.startswith(b'"'):
        try:
            return path.decode()
        except UnicodeDecodeError:
            pass  # the usual way to find out; what follows is for such paths
    return '"' + "".join(map(_quoted_octet, path)) + '"'


def path_bytes(text: str) -> bytes:
    """What clients say as it is in trees, without slashes at its ends. Raises BadPath."""
    quoted = _QUOTED.fullmatch(text) if text.startswith('"') else None
    if text.startswith('"') and quoted is None:
        raise BadPath(f"a path that begins with a quote is in C-style quotes; this is not: {shown_path(text)}")
    path = text.encode() if quoted is None else _ESCAPE.sub(_unescaped, quoted[1].encode())
    path = path.strip(b"/")
    parts = path.split(b"/") if path else []
    if b"\0" in path or len(path) > MAX_PATH_BYTES or any(part in (b"", b".", b"..") for part in parts):
        raise BadPath(f"not a path: {shown_path(text)}")
    return path


def shown_path(text: str) -> str:
    """For a message."""
    return repr(text[:_SHOWN_CHARACTERS])


def _quoted_octet(octet: int) -> str:
    character = chr(octet)
    if character in '"\\':
        return "\\" + character
    return character if 0x20 <= octet < 0x7F else f"\\{octet:03o}"


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return _PLAIN[escape] if escape in _PLAIN else bytes([int(escape, 8)])
