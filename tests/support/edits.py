"""Changes to files that look like a person's: words replaced, blocks put in, taken out, moved and indented."""

import random
import re
from collections.abc import Callable

_WORD = re.compile(rb"[A-Za-z_]{4,}")

Lines = list[bytes]


def edit_text(rng: random.Random, content: bytes, donor: bytes) -> bytes:
    """Change some lines of `content`; what is put in comes from `donor`. Never returns `content`."""
    lines = content.splitlines(keepends=True)
    donor_lines = donor.splitlines(keepends=True) or [b"pass\n"]
    for _ in range(rng.randint(1, 3)):
        rng.choice(_EDITS if lines else [_insert_block])(rng, lines, donor_lines)
    edited = b"".join(lines)
    return edited if edited != content else content + b"# %08x\n" % rng.getrandbits(32)


def edit_binary(rng: random.Random, content: bytes) -> bytes:
    """Overwrite a few short runs of bytes. Never returns `content`."""
    edited = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        offset = rng.randrange(len(edited) + 1)
        edited[offset : offset + 8] = rng.randbytes(8)
    return bytes(edited) if edited != content else content + b"\0"


def _replace_word(rng: random.Random, lines: Lines, donor_lines: Lines) -> None:
    old, new = _word_of(rng, lines), _word_of(rng, donor_lines)
    start = rng.randrange(len(lines))
    for index in range(start, min(start + 60, len(lines))):
        lines[index] = lines[index].replace(old, new)


def _word_of(rng: random.Random, lines: Lines) -> bytes:
    words = _WORD.findall(b"".join(_block(rng, lines, 20)))
    return rng.choice(words) if words else b"name"


def _insert_block(rng: random.Random, lines: Lines, donor_lines: Lines) -> None:
    at = rng.randint(0, len(lines))
    lines[at:at] = _block(rng, donor_lines, 12)


def _delete_block(rng: random.Random, lines: Lines, _donor_lines: Lines) -> None:
    at = rng.randrange(len(lines))
    del lines[at : at + rng.randint(1, 10)]


def _move_block(rng: random.Random, lines: Lines, _donor_lines: Lines) -> None:
    at = rng.randrange(len(lines))
    block = lines[at : at + rng.randint(2, 15)]
    del lines[at : at + len(block)]
    to = rng.randint(0, len(lines))
    lines[to:to] = block


def _indent_block(rng: random.Random, lines: Lines, _donor_lines: Lines) -> None:
    at = rng.randrange(len(lines))
    for index in range(at, min(at + rng.randint(1, 8), len(lines))):
        lines[index] = b"    " + lines[index]


def _block(rng: random.Random, lines: Lines, max_lines: int) -> Lines:
    at = rng.randrange(len(lines))
    return lines[at : at + rng.randint(1, max_lines)]


_EDITS: list[Callable[[random.Random, Lines, Lines], None]] = [
    _replace_word,
    _replace_word,
    _insert_block,
    _delete_block,
    _move_block,
    _indent_block,
]
