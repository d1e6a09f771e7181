"""A fork that takes over what became of its source."""

from __future__ import annotations

from packengine.refs.names import BRANCH_PREFIX
from packengine.repository.errors import WriteRefused
from packengine.repository.idents import DEFAULT_IDENT, Ident
from packengine.repository.merges import Merged, MergeRequest, MergeService
from packengine.repository.state import RepositoryState
from packengine.repository.writing import Writer


def sync_branch(
    merges: MergeService,
    fork: RepositoryState,
    source: RepositoryState,
    branch: str,
    writer: Writer,
    *,
    author: Ident = DEFAULT_IDENT,
) -> Merged:
    """Merge a branch of the source into the fork's branch of that name. Raises as `MergeService.merge`."""
    message = f"Merge {branch} of {source.record.id}"
    return merges.merge(fork, MergeRequest(branch, branch, message=message, author=author), writer, origin=source)


def source_id_of(fork: RepositoryState) -> str:
    """The id of a live source. Raises WriteRefused for a repository that is no fork, or whose source was deleted."""
    if fork.record.source_id is None:
        raise WriteRefused(f"{fork.record.id} has no source that is still there")
    return fork.record.source_id


def branch_to_sync(fork: RepositoryState, branch: str | None) -> str:
    """The branch that was asked for, else HEAD's."""
    return fork.manifest.head.removeprefix(BRANCH_PREFIX).decode(errors="replace") if branch is None else branch
