"""How often something is tried beside others that publish to the same repository.

A publish is derived anew as often as it is overtaken. Whoever holds the lease of all maintenance meanwhile, or derives
at a cost, must not go on for as long as others publish: the next maintenance finds the same to do.
"""

from __future__ import annotations

from packengine.repository import RepositoryState
from packengine.repository.publish import Derive, Draft


class Rounds:
    """So many drafts may be derived, in one publish or in several."""

    def __init__(self, at_most: int) -> None:
        self.left = at_most
        self.is_given_up = False
        """Whether one more was asked for, so that nothing was published although there was something to publish."""

    def counted(self, derive: Derive) -> Derive:
        """The same, until the rounds are used up; then nothing is to be published."""

        def derive_counted(newest: RepositoryState) -> Draft | None:
            if not self.left:
                self.is_given_up = True
                return None
            self.left -= 1
            return derive(newest)

        return derive_counted
