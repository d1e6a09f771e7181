"""What people wrote, as text: messages and names of commits, lines of files. Never refused: what cannot be read is
replaced by U+FFFD."""

from __future__ import annotations

from encodings import normalize_encoding
from encodings.aliases import aliases

_NO_CHARACTER_SETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "tactis", "uu_codec", "zlib_codec"}
)
_CHARACTER_SETS = frozenset(aliases.values()) - _NO_CHARACTER_SETS
"""By the modules of the standard library. Other names are not even asked for: it remembers each that it lacks."""


def text_of(data: bytes, encoding: bytes | None = None) -> str:
    """By the encoding that is named, if it is known and fits, else as UTF-8."""
    named = _character_set(encoding) if encoding else None
    if named is not None:
        try:
            return data.decode(named)
        except UnicodeError:
            pass  # it is not what it says it is: there is one more way to read it
    return data.decode("utf-8", "replace")


def _character_set(encoding: bytes) -> str | None:
    name = normalize_encoding(encoding[:64].decode("latin-1")).lower()
    if name not in _CHARACTER_SETS:
        name = aliases.get(name) or aliases.get(name.replace(".", "_")) or ""
    return name if name in _CHARACTER_SETS else None
