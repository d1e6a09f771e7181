"""What of its source a fork is to show: a ref, a commit, a time."""

from __future__ import annotations

from dataclasses import dataclass

from core_ext import Cancel
from packengine.refs import HiddenRefs, RefEntry, RefTable, build_table
from packengine.refs.names import is_branch
from packengine.repository.errors import ForkPointUnknown, StateGone
from packengine.repository.ref_lookup import RefLookup
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.visibility import Visibility
from packengine.storage.ports import RowMissing


@dataclass(frozen=True, slots=True)
class ForkPoint:
    """What of the source a fork is to show. All None: the whole of it, as it is."""

    ref: str | None = None
    """A ref as people name it; the fork has no other."""

    commit: bytes | None = None
    """What the ref is to stand for, or the branch that HEAD names, if no ref is given."""

    at_ms: int | None = None
    """Refs as they were then."""

    first_version: int | None = None
    """The source's own, if it is to be no other one that has the id by now."""

    @property
    def is_whole(self) -> bool:
        """Whether it is no point at all."""
        return self.ref is None and self.commit is None and self.at_ms is None


WHOLE_SOURCE = ForkPoint()


class PointChooser:
    """Chooses refs of a source, by what is stored of it now."""

    def __init__(
        self, loader: StateLoader, visibility: Visibility, hidden: HiddenRefs, newest: RepositoryState, cancel: Cancel
    ) -> None:
        self._loader = loader
        self._visibility = visibility
        self._hidden = hidden
        self._newest = newest
        self._stored = loader.objects(newest.manifest)
        self._cancel = cancel

    def choose(self, then: RepositoryState, point: ForkPoint) -> tuple[bytes, RefTable]:
        """HEAD and the refs of a fork. then: the newest state or a past one. Raises ForkPointUnknown, StateGone."""
        if point.ref is None and point.commit is None:
            return then.manifest.head, then.manifest.refs
        chosen = None if point.ref is None else self._entry(then, point.ref)
        name = then.manifest.head if chosen is None else chosen.name
        if point.commit is not None:
            chosen = self._moved(then, name, chosen, point.commit)
        assert chosen is not None  # noqa: S101  # for the type checker: one of both was given
        entries = [chosen] if is_branch(name) else [chosen, *self._branch_at(then.manifest.head, chosen)]
        refs, _ = build_table(
            sorted(entries, key=lambda entry: entry.name), oid_len=then.manifest.oid_len, load=self._loader.load_block
        )
        return (name if is_branch(name) else then.manifest.head), refs

    def choose_of_past(self, then: RepositoryState, point: ForkPoint) -> tuple[bytes, RefTable]:
        """The same, if all that is chosen is stored still."""
        try:
            head, refs = self.choose(then, point)
            if all(self._stored.contains(value) for values in refs.values() for value in values):
                return head, refs
        except RowMissing as error:
            raise StateGone(f"refs of that time are no longer kept: {error}") from error
        raise StateGone("what the refs reached then is no longer stored: it is beyond the retention of history")

    def _entry(self, then: RepositoryState, ref: str) -> RefEntry:
        name = RefLookup(then, self._hidden).full_name(ref.encode())
        entry = None if name is None else then.manifest.refs.get(name)
        if entry is None:
            raise ForkPointUnknown(f"no ref {ref[:80]!r}")
        return entry

    def _moved(self, then: RepositoryState, name: bytes, of: RefEntry | None, commit: bytes) -> RefEntry:
        """A branch at a commit that the ref reaches, or that any does if none is given."""
        if not is_branch(name):
            raise ForkPointUnknown(f"{name.decode(errors='replace')} is no branch, and so cannot be at another commit")
        if not self._reaches(then, of, commit):
            raise ForkPointUnknown(f"no commit {commit.hex()} that the refs reach")
        return RefEntry(name, commit)

    def _reaches(self, then: RepositoryState, of: RefEntry | None, commit: bytes) -> bool:
        header = self._stored.header(commit)
        if header is None or header[0] != "commit":
            return False
        if of is None and then is self._newest:
            return self._visibility.usable(then).contains(commit)
        tips = {of.oid} if of is not None else {value for values in then.manifest.refs.values() for value in values}
        stored = [tip for tip in tips if self._stored.contains(tip)]
        return bool(self._stored.reached_among(stored, [commit], cancel=self._cancel))

    def _branch_at(self, head: bytes, entry: RefEntry) -> list[RefEntry]:
        """HEAD's branch where a tag is, so that the fork can be checked out; nowhere for a tag of something else."""
        target = entry.peeled or entry.oid
        header = self._stored.header(target)
        return [RefEntry(head, target)] if header is not None and header[0] == "commit" else []
