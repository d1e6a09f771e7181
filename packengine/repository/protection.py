"""What the rules of a repository, and the patterns of a token, forbid to one who pushes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from packengine.refs.rules import RefPatterns, RefRule
from packengine.repository.ref_access import RefAccess

PROTECTED = "protected"
NOT_FORWARD = "protected: it can only be fast-forwarded"
"""What to tell a person whose push would take back what a protected ref reached."""

BEYOND_TOKEN = "token may not move this ref"  # noqa: S105  # a reason, no password


class Protection:
    """The rules as they hold for one access. Rules of one ref add up: what one of them forbids is forbidden.

    Only who may push is waived for the administrator. What says how refs move holds for everybody: whoever may change
    the rules can do that first, and leaves a trace.
    """

    def __init__(self, rules: Iterable[RefRule], access: RefAccess) -> None:
        all_rules = tuple(rules)
        names = {access.subject, access.token} - {None}
        self._others = _where(
            all_rules,
            lambda rule: rule.pushers is not None and not access.is_admin and names.isdisjoint(rule.pushers),
        )
        self._unsigned = _where(all_rules, lambda rule: rule.signed_only and access.signer is None)
        self._kept = _where(all_rules, lambda rule: rule.deny_deletion)
        self._forward = _where(all_rules, lambda rule: rule.deny_force)
        self._granted = None if access.patterns is None else RefPatterns.of(access.patterns)

    def is_beyond_token(self, name: bytes) -> bool:
        """Whether the token is for other refs."""
        return self._granted is not None and not self._granted.match(name)

    def objection(self, name: bytes, *, deletes: bool) -> str | None:
        """Why a ref may not be moved, or deleted, whatever to: words for a person; None if it may."""
        if self._others.match(name):
            return "protected: you are not among those who may push to it"
        if self._unsigned.match(name):
            return "protected: pushes to it must be signed (git push --signed)"
        if deletes and self._kept.match(name):
            return "protected: it cannot be deleted"
        return None

    def only_forward(self, name: bytes) -> bool:
        """Whether the ref may move only to a commit that descends from its value."""
        return self._forward.match(name)


def _where(rules: Iterable[RefRule], holds: Callable[[RefRule], bool]) -> RefPatterns:
    return RefPatterns.of(rule.pattern for rule in rules if holds(rule))
