"""Who made a commit, and when. Format: git-commit-tree(1), "COMMIT INFORMATION"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from packengine.repository.errors import WriteRefused

MAX_IDENT_BYTES = 1024
"""Of a name, and of an e-mail address."""

MAX_DATE_S = (1 << 34) - 1
"""In the year 2514: what a commit-graph can hold."""

_CRUD = "".join(map(chr, range(33))) + ",:;<>\"\\'"
"""What Git takes off both ends of a name and an address. Until Git 2.46 a full stop was among it."""

_NEVER_INSIDE = str.maketrans("", "", "\n<>")
_OFFSET = re.compile(r"[+-][0-9]{4}")


@dataclass(frozen=True, slots=True)
class Ident:
    """A person as a commit names one."""

    name: str
    email: str
    date_s: int | None = None
    """Seconds since 1970; None for now."""

    offset: str = "+0000"
    """Of the clock on the wall: hours and minutes ahead of UTC."""


DEFAULT_IDENT = Ident("Artifacts", "artifacts@noreply.local")


def ident_line(role: str, ident: Ident, now_s: int) -> bytes:
    """`author A. Author <author@example.org> 1700000000 +0000`, cleaned as Git cleans it. Raises WriteRefused."""
    name, email = _cleaned(role, "name", ident.name), _cleaned(role, "email", ident.email)
    if not name:
        raise WriteRefused(f"the {role}'s name {ident.name[:80]!r} is empty, or made of characters that names have not")
    date_s = now_s if ident.date_s is None else ident.date_s
    if not 0 <= date_s <= MAX_DATE_S:
        raise WriteRefused(f"the {role}'s date {date_s} is not within 0 and {MAX_DATE_S}")
    if _OFFSET.fullmatch(ident.offset) is None:
        raise WriteRefused(f"the {role}'s offset {ident.offset[:16]!r} is not of the form +0130")
    return f"{role} {name} <{email}> {date_s} {ident.offset}".encode()


def _cleaned(role: str, what: str, text: str) -> str:
    if "\0" in text:
        raise WriteRefused(f"the {role}'s {what} has a NUL in it")
    if len(text.encode()) > MAX_IDENT_BYTES:
        raise WriteRefused(f"the {role}'s {what} is longer than {MAX_IDENT_BYTES} bytes")
    return text.strip(_CRUD).translate(_NEVER_INSIDE)
