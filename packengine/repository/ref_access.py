"""On whose word refs are moved."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.signatures import Signer


@dataclass(frozen=True, slots=True)
class RefAccess:
    """Who wants refs moved, as far as rules care; whether they may write to the repository at all was judged before."""

    subject: str | None
    """Whom the request speaks for. None: somebody without a name, as a token that the administrator gave away."""

    is_admin: bool
    patterns: tuple[str, ...] | None = None
    """The only refs that the token may move; None for all."""

    signer: Signer | None = None
    """Whose push certificate came with it and was verified."""

    token: str | None = None
    """What logs and manifests call the token, if there is one: rules may name it instead of a person."""

    @staticmethod
    def everything() -> RefAccess:
        """Of the engine's own acts, and of the administrator's."""
        return _EVERYTHING


_EVERYTHING = RefAccess(subject=None, is_admin=True)
