"""Which of a remote's refs an import takes, and what that means for ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packengine.protocol import Command
from packengine.protocol.client import RemoteRefs
from packengine.refs import HiddenRefs
from packengine.refs.names import BRANCH_PREFIX, TAG_PREFIX, is_branch, is_pushable_ref_name, is_tag, is_valid_ref_name
from packengine.refs.rules import RefPatterns
from packengine.repository.state import RepositoryState

HEADS_AND_TAGS = ("refs/heads/*", "refs/tags/*")
EVERYTHING = ("refs/*",)
_OF_THE_HOST = (
    *(b"refs/pull/", b"refs/pull-requests/", b"refs/merge-requests/", b"refs/changes/"),
    *(b"refs/keep-around/", b"refs/pipelines/", b"refs/environments/"),
)
"""Where hosts keep what is theirs: reviews and the like. Taken only where they are asked for by name."""

_CLOBBERS = "would clobber existing tag"
_FUNNY = "funny refname"
BACKWARD = "non-fast-forward"


@dataclass(frozen=True, slots=True)
class ImportWish:
    """What is to be taken over.

    patterns: of refs, as RefPatterns has them; None for branches and tags, or for all of a mirror.
    mirror: whether refs shall be as the remote's, also where that takes something back, and HEAD with them. Otherwise
        refs are created, and branches fast-forwarded.
    """

    patterns: tuple[str, ...] | None = None
    mirror: bool = False

    def prefixes(self) -> list[bytes]:
        """What the names begin with, for a remote that can leave out the others."""
        return list(dict.fromkeys(pattern.encode().partition(b"*")[0] for pattern in self._patterns))

    def takes(self, name: bytes) -> bool:
        """Whether a ref of that name is meant."""
        if self.patterns is None and name.startswith(_OF_THE_HOST):
            return False
        return RefPatterns.of(self._patterns).match(name)

    @property
    def _patterns(self) -> tuple[str, ...]:
        return self.patterns or (EVERYTHING if self.mirror else HEADS_AND_TAGS)


@dataclass(frozen=True, slots=True)
class RefChoice:
    """What an import wants of our refs, as of one state."""

    commands: tuple[Command, ...]
    refused: tuple[tuple[bytes, str], ...]
    """Refs that can be had in no case, and why."""

    head: bytes | None
    """What HEAD shall name, if that is the import's business."""


def choose_refs(wish: ImportWish, remote: RemoteRefs, state: RepositoryState, hidden: HiddenRefs) -> RefChoice:
    """Compare the remote's refs with ours. Cost: a look at each ref that is meant."""
    theirs = {ref.name: ref.oid for ref in remote.refs if wish.takes(ref.name) and not hidden.hides(ref.name)}
    refused = [(name, _FUNNY) for name in theirs if not is_pushable_ref_name(name, deletes=False)]
    for name, _ in refused:
        del theirs[name]
    stored = {name: entry.oid for name, entry in state.manifest.refs.get_many(theirs).items()}
    commands = []
    for name, oid in theirs.items():
        old = stored.get(name)
        if old is not None and old != oid and is_tag(name) and not wish.mirror:
            refused.append((name, _CLOBBERS))
        elif old != oid:
            commands.append(Command(old or bytes(len(oid)), oid, name))
    if wish.mirror:
        commands += _deletions(wish, theirs, state, hidden)
    return RefChoice(tuple(commands), tuple(refused), _head(wish, remote, theirs, state, hidden))


def _deletions(
    wish: ImportWish, theirs: dict[bytes, bytes], state: RepositoryState, hidden: HiddenRefs
) -> Iterator[Command]:
    for entry in hidden.shown(state.manifest.refs):
        if entry.name not in theirs and wish.takes(entry.name):
            yield Command(entry.oid, bytes(len(entry.oid)), entry.name)


def _head(
    wish: ImportWish, remote: RemoteRefs, theirs: dict[bytes, bytes], state: RepositoryState, hidden: HiddenRefs
) -> bytes | None:
    """A mirror's HEAD follows, and that of a repository without refs: to a branch that is taken, or not born there."""
    head = remote.head
    if head is None or not (wish.mirror or len(state.manifest.refs) == 0):
        return None
    is_name = is_branch(head) and is_valid_ref_name(head) and not hidden.hides(head)
    is_unborn = is_name and all(ref.name != head for ref in remote.refs)
    return head if is_name and (head in theirs or is_unborn) else None


def likely_newest_first(names: Sequence[bytes]) -> list[bytes]:
    """Branches, then what is neither branch nor tag, then tags: what moves most says most of what is common."""
    return sorted(names, key=lambda name: (not name.startswith(BRANCH_PREFIX), name.startswith(TAG_PREFIX)))
