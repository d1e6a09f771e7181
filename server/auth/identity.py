"""Who a REST request speaks for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """The subject of an accepted credential."""

    subject: str
    is_admin: bool
    is_anonymous: bool = False
    """Whether there was no credential at all: good for reading what is public."""

    @property
    def owner(self) -> str | None:
        """Whom what it creates belongs to: the administrator's own repositories have no owner."""
        return None if self.is_admin else self.subject

    def owns(self, owner: str | None) -> bool:
        """Whether what belongs to `owner` is this one's."""
        return not self.is_anonymous and owner is not None and owner == self.subject


ADMIN = Identity(subject="admin", is_admin=True)
ANONYMOUS = Identity(subject="anonymous", is_admin=False, is_anonymous=True)
