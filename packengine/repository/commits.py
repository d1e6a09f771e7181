"""A commit made in the engine: blobs, the trees on the paths of its changes, and the commit, as one small pack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core_ext import IngestedPack, ObjectDb, PackBuilder, parse_commit
from packengine.manifests import ObjectFormat, PublishKind
from packengine.refs.names import BRANCH_PREFIX, is_valid_branch_name
from packengine.repository.commit_objects import CommitWords, commit_content
from packengine.repository.errors import BranchNameError, RefConflict, WriteRefused
from packengine.repository.push_drafts import PushMeans
from packengine.repository.state import RepositoryState
from packengine.repository.tree_changes import Change, edit_tree
from packengine.repository.writing import Proposal, Writer, ingest_written, one_command, publish_written, value_of
from packengine.storage.ports import Committed


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """What a commit is to be."""

    branch: str
    parent: bytes | None
    """What the branch must stand for; None: it must not exist. With `force` only what the commit is built on."""

    words: CommitWords
    changes: Sequence[Change]
    """Made one after the other, to the tree of the parent."""

    force: bool = False
    """Whether the branch moves whatever it stood for."""


@dataclass(frozen=True, slots=True)
class CommitMade:
    """A commit that a branch stands for. `committed` is None if nothing had to be published for that."""

    commit: bytes
    tree: bytes
    committed: Committed | None


@dataclass(frozen=True, slots=True)
class _Built:
    commit: bytes
    tree: bytes
    pack: IngestedPack


class CommitService:
    """Makes commits in the repositories of one engine."""

    def __init__(self, means: PushMeans) -> None:
        self._means = means

    def commit(self, state: RepositoryState, request: CommitRequest, writer: Writer) -> CommitMade:
        """Commit to a branch. Durable on return.

        Raises BranchNameError, WriteRefused (an unknown parent, a bad path, content that fsck refuses), RefConflict,
        RefRefused, AccessEnded, RepositoryMissing, LimitReached. Cost: the trees on the paths of the changes.
        """
        ref = branch_ref(request.branch)
        usable = self._means.visibility.usable(state)
        base = None if request.parent is None else tree_of(usable, request.parent, state.manifest.object_format)
        self._check_value(state, ref, request)  # before the work; each round asks again
        built = self._build(state, usable, base, request)

        def propose(newest: RepositoryState) -> Proposal:
            current = self._check_value(newest, ref, request)
            return Proposal(one_command(newest, ref, current, built.commit), built.pack)

        committed = publish_written(
            self._means, state, propose, writer, PublishKind.COMMIT, is_quick=built.pack.pack_path is None
        )
        return CommitMade(built.commit, built.tree, committed)

    def _check_value(self, state: RepositoryState, ref: bytes, request: CommitRequest) -> bytes | None:
        current = value_of(state, ref, self._means.policy.hidden_refs)
        if not request.force and current != request.parent:
            raise RefConflict(request.branch, request.parent, current)
        return current

    def _build(self, state: RepositoryState, usable: ObjectDb, base: bytes | None, request: CommitRequest) -> _Built:
        object_format = state.manifest.object_format
        builder = PackBuilder(object_format=object_format, level=self._means.limits.compression_level)
        tree = edit_tree(usable, builder, base, request.changes, object_format)
        parents = [] if request.parent is None else [request.parent]
        commit = builder.add("commit", commit_content(tree, parents, request.words))
        return _Built(commit, tree, ingest_written(self._means, state, [builder.finish()]))


def branch_ref(branch: str) -> bytes:
    """The full name of a branch. Raises BranchNameError."""
    name = branch.encode()
    if not is_valid_branch_name(name):
        raise BranchNameError(f"{branch[:80]!r} cannot be the name of a branch")
    return BRANCH_PREFIX + name


def tree_of(usable: ObjectDb, commit: bytes, object_format: ObjectFormat) -> bytes:
    """The tree of a commit that may be used. Raises WriteRefused for what is none."""
    header = usable.header(commit)
    if header is None or header[0] != "commit":
        raise WriteRefused(f"{commit.hex()} is no commit of this repository")
    return parse_commit(usable.read(commit)[1], object_format=object_format)[0]
