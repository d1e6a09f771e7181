"""Authors and committers in requests."""

from __future__ import annotations

from packengine.repository.idents import DEFAULT_IDENT, Ident
from packhouse_client.types.commits import Person


def ident_of(person: Person | None) -> Ident:
    """The person as the engine takes one; None for nobody in particular."""
    return DEFAULT_IDENT if person is None else Ident(person.name, person.email, person.date, person.offset)
