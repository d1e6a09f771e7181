"""Merges of branches: by fast-forward, or three-way as a commit with two parents; also from another repository."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum

from core_ext import LimitExceeded, MergeResult, ObjectDb, PackBuilder, UnrelatedHistories
from packengine.manifests import PublishKind
from packengine.repository.commit_objects import CommitWords, commit_content
from packengine.repository.commits import branch_ref, tree_of
from packengine.repository.errors import MergeConflict, WriteRefused
from packengine.repository.idents import DEFAULT_IDENT, Ident
from packengine.repository.push_drafts import PushMeans
from packengine.repository.state import RepositoryState
from packengine.repository.transfer import Transfer
from packengine.repository.writing import Proposal, Writer, ingest_written, one_command, publish_written, value_of
from packengine.storage.ports import Committed

QUICK_S = 0.02
"""A merge that was made in less is made again while others wait, and shares their transaction."""


class Strategy(Enum):
    """What may become of a branch that is merged into another one."""

    AUTO = "auto"
    FF_ONLY = "ff-only"
    MERGE = "merge"
    """A commit also where a fast-forward would do."""


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Which branch is to be merged into which."""

    source_branch: str
    target_branch: str
    strategy: Strategy = Strategy.AUTO
    message: str | None = None
    author: Ident = DEFAULT_IDENT


@dataclass(frozen=True, slots=True)
class Merged:
    """What the target stands for after a merge. `committed` is None if it had been merged before."""

    commit: bytes
    tree: bytes
    source: bytes
    is_fast_forward: bool
    committed: Committed | None


class MergeService:
    """Merges branches into those of one engine's repositories."""

    def __init__(self, means: PushMeans) -> None:
        self._means = means

    def merge(
        self, state: RepositoryState, request: MergeRequest, writer: Writer, *, origin: RepositoryState | None = None
    ) -> Merged:
        """Merge a branch into another one, which is made if it does not exist. Durable on return.

        origin: the repository of the source branch, if it is another one; whoever asks may read it, and the caller
            holds it open. A target that moves meanwhile is merged into anew: the commit's parent is what it stood for.
        Raises BranchNameError, WriteRefused (no source, nothing in common, no fast-forward where only that is wanted),
        MergeConflict, RefRefused, AccessEnded, RepositoryMissing, LimitReached.
        """
        merging = _Merging(self._means, request, origin)
        since_s = time.perf_counter()
        proposal = merging.propose(state)
        if proposal is None:
            return merging.outcome(None)
        # Others of the repository wait for one that can be made anew in a moment; one that takes its time goes beside.
        is_small = proposal.pack is None or proposal.pack.pack_path is None
        is_quick = is_small and time.perf_counter() - since_s < QUICK_S
        committed = publish_written(self._means, state, merging.propose, writer, PublishKind.MERGE, is_quick=is_quick)
        return merging.outcome(committed)


@dataclass(frozen=True, slots=True)
class _Ends:
    """What a merge follows from."""

    source: bytes
    target: bytes | None


@dataclass(frozen=True, slots=True)
class _Joined:
    """What a merge of two commits comes to. `proposal` is None if there is nothing to do."""

    commit: bytes
    tree: bytes
    is_fast_forward: bool
    proposal: Proposal | None


class _Merging:
    """One merge, worked out again where the next state's branches differ."""

    def __init__(self, means: PushMeans, request: MergeRequest, origin: RepositoryState | None) -> None:
        self._means = means
        self._request = request
        self._origin = origin
        self._hidden = means.policy.hidden_refs
        self._source_ref, self._target_ref = branch_ref(request.source_branch), branch_ref(request.target_branch)
        if origin is None and self._source_ref == self._target_ref:
            raise WriteRefused(f"{request.source_branch} cannot be merged into itself")
        self._known: tuple[_Ends, _Joined] | None = None

    def outcome(self, committed: Committed | None) -> Merged:
        """What came of it; after it was published, or there was nothing to publish."""
        assert self._known is not None  # noqa: S101  # for the type checker: a publish asks for a proposal first
        ends, joined = self._known
        return Merged(joined.commit, joined.tree, ends.source, joined.is_fast_forward, committed)

    def propose(self, state: RepositoryState) -> Proposal | None:
        """The merge into that state's target."""
        target = value_of(state, self._target_ref, self._hidden)
        ends = _Ends(self._source(self._origin or state), target)
        if self._known is None or self._known[0] != ends or self._is_stale(self._known[1], state):
            self._known = ends, self._join(state, ends)
        return self._known[1].proposal

    def _is_stale(self, joined: _Joined, state: RepositoryState) -> bool:
        """Whether what was left out of its pack, because it was there, is there no longer."""
        pack = None if joined.proposal is None else joined.proposal.pack
        return pack is not None and bool(pack.missing_edges(self._means.visibility.usable(state), limit=1))

    def _source(self, state: RepositoryState) -> bytes:
        hidden = self._hidden.hides(self._source_ref)
        entry = None if hidden else state.manifest.refs.get(self._source_ref)
        if entry is None:
            raise WriteRefused(f"there is no branch {self._request.source_branch!r} to be merged")
        return entry.oid

    def _join(self, state: RepositoryState, ends: _Ends) -> _Joined:
        transfer = Transfer(self._means, self._origin, state)
        objects, source, target = transfer.objects, ends.source, ends.target
        if target is not None and objects.is_ancestor(source, target):
            tree = tree_of(objects, target, state.manifest.object_format)
            return _Joined(target, tree, is_fast_forward=False, proposal=None)
        if target is None or (self._request.strategy is not Strategy.MERGE and objects.is_ancestor(target, source)):
            tree = tree_of(objects, source, state.manifest.object_format)
            move = one_command(state, self._target_ref, target, source)
            proposal = Proposal(move, transfer.pack(source))
            return _Joined(source, tree, is_fast_forward=True, proposal=proposal)
        if self._request.strategy is Strategy.FF_ONLY:
            names = self._request.target_branch, self._request.source_branch
            raise WriteRefused("{} has diverged from {}: no fast-forward".format(*names))
        return self._merge(state, transfer, source, target)

    def _merge(self, state: RepositoryState, transfer: Transfer, source: bytes, target: bytes) -> _Joined:
        object_format = state.manifest.object_format
        builder = PackBuilder(object_format=object_format, level=self._means.limits.compression_level)
        tree = self._merged_tree(transfer.objects, builder, source, target)
        commit = builder.add("commit", commit_content(tree, [target, source], self._words()))
        made = builder.finish()
        here = self._origin is None
        pack = ingest_written(self._means, state, [made]) if here else transfer.pack(commit, made=made)
        proposal = Proposal(one_command(state, self._target_ref, target, commit), pack)
        return _Joined(commit, tree, is_fast_forward=False, proposal=proposal)

    def _merged_tree(self, objects: ObjectDb, builder: PackBuilder, source: bytes, target: bytes) -> bytes:
        merged = self._merged(objects, source, target)
        if merged.tree is None:
            raise MergeConflict(self._request.source_branch, self._request.target_branch, merged.conflicts)
        for kind, content in merged.objects:
            builder.add(kind, content)
        return merged.tree

    def _merged(self, objects: ObjectDb, source: bytes, target: bytes) -> MergeResult:
        request, limits = self._request, self._means.limits
        try:
            return objects.merge(
                target,
                source,
                ours_label=request.target_branch.encode(),
                theirs_label=request.source_branch.encode(),
                max_memory_bytes=limits.merge_memory_bytes,
                max_text_bytes=limits.merge_text_bytes,
                max_read_bytes=limits.merge_read_bytes,
            )
        except UnrelatedHistories as error:
            names = request.source_branch, request.target_branch
            raise WriteRefused("{} and {} have no history in common and cannot be merged".format(*names)) from error
        except LimitExceeded as error:
            raise WriteRefused(f"the merge takes more than one over REST may: {error}") from error

    def _words(self) -> CommitWords:
        request = self._request
        message = f"Merge {request.source_branch} into {request.target_branch}"
        return CommitWords(message if request.message is None else request.message, request.author)
