"""What HEAD names, moved by whoever may change a repository's settings."""

from __future__ import annotations

from packengine.manifests import PublishKind
from packengine.refs import HiddenRefs
from packengine.refs.names import BRANCH_PREFIX, is_valid_branch_name
from packengine.repository.actor import Actor
from packengine.repository.errors import BranchNameError
from packengine.repository.publish import Draft, Publisher
from packengine.repository.state import RepositoryState
from packengine.storage.ports import Committed


def move_head(
    publisher: Publisher, begun: RepositoryState, branch: str, hidden: HiddenRefs, actor: Actor
) -> Committed | None:
    """Let HEAD name a branch that there is, or any in an empty repository. None: it names it already.

    Raises BranchNameError. A repository that refuses pushes can be changed so: no ref moves.
    """
    name = BRANCH_PREFIX + branch.encode()
    if not is_valid_branch_name(branch.encode()):
        raise BranchNameError(f"{branch[:80]!r} cannot be the name of a branch")

    def derive(state: RepositoryState) -> Draft | None:
        refs = state.manifest.refs
        if len(refs) and (refs.get(name) is None or hidden.hides(name)):
            raise BranchNameError(f"no branch {branch[:80]!r}")
        if name == state.manifest.head:
            return None
        return Draft(changes=(), sealed=state.manifest.sealed, head=name)

    return publisher.publish(begun, actor, PublishKind.SETTINGS, derive, is_quick=True)
