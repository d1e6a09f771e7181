"""Who a REST request speaks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """The subject of an accepted credential."""

    subject: str
    is_admin: bool

    @property
    def owner(self) -> str | None:
        """Whom what it creates belongs to: the administrator's own repositories have no owner."""
        return None if self.is_admin else self.subject


ADMIN = Identity(subject="admin", is_admin=True)
