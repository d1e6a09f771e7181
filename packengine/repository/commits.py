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
        committing = _Committing(self._means, request)
        committing.propose(state)  # the work, before anybody waits for it
        committed = publish_written(
            self._means, state, committing.propose, writer, PublishKind.COMMIT, is_quick=committing.is_small
        )
        return CommitMade(committing.built.commit, committing.built.tree, committed)


class _Committing:
    """One commit, proposed of one state after the other."""

    def __init__(self, means: PushMeans, request: CommitRequest) -> None:
        self._means = means
        self._request = request
        self._ref = branch_ref(request.branch)
        self._built: _Built | None = None

    @property
    def built(self) -> _Built:
        """The commit that was proposed last."""
        assert self._built is not None  # noqa: S101  # for the type checker: nobody asks before
        return self._built

    @property
    def is_small(self) -> bool:
        """Whether it is in memory, and so published in a moment."""
        return self.built.pack.pack_path is None

    def propose(self, state: RepositoryState) -> Proposal:
        """The commit, made once, or again if what it leaves out because it was there is there no longer."""
        usable = self._means.visibility.usable(state)
        parent, object_format = self._request.parent, state.manifest.object_format
        base = None if parent is None else tree_of(usable, parent, object_format)
        current = value_of(state, self._ref, self._means.policy.hidden_refs)
        if not self._request.force and current != parent:
            raise RefConflict(self._request.branch, parent, current)
        if self._built is None or self._built.pack.missing_edges(usable, limit=1):
            self._built = self._build(state, usable, base)
        return Proposal(one_command(state, self._ref, current, self._built.commit), self._built.pack)

    def _build(self, state: RepositoryState, usable: ObjectDb, base: bytes | None) -> _Built:
        request, object_format = self._request, state.manifest.object_format
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
