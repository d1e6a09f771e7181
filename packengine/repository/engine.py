"""The engine: one data folder, opened; everything that can be done with its repositories.

Synchronous and thread-safe: the server calls it in worker threads. Several processes may open the same folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from core_ext import Cancel
from packengine.refs import HiddenRefs
from packengine.repository.actor import Actor
from packengine.repository.answers import AnswerStore
from packengine.repository.browsing.snapshot import Snapshot, open_snapshot
from packengine.repository.bundles import BundleService
from packengine.repository.commits import CommitService
from packengine.repository.export import Exporter
from packengine.repository.fetch import FetchService
from packengine.repository.fork_points import WHOLE_SOURCE, ForkPoint
from packengine.repository.forking import Forker, ForkTerms
from packengine.repository.git_folder import open_git_folder
from packengine.repository.history import History
from packengine.repository.importing import Importer
from packengine.repository.lifecycle import PRIVATE, Lifecycle, Profile, RepositoryDetails, chosen_id, now_s
from packengine.repository.limits import S_PER_DAY, Limits
from packengine.repository.merges import MergeService
from packengine.repository.merging import Merger
from packengine.repository.notes import NoteService
from packengine.repository.open_states import OpenStates
from packengine.repository.packs import PackShelf
from packengine.repository.parts import EngineParts
from packengine.repository.progress import Progress
from packengine.repository.publish import Publisher
from packengine.repository.push import PushService
from packengine.repository.push_policy import PushPolicy
from packengine.repository.ref_edits import RefEdits
from packengine.repository.restore import Restorer
from packengine.repository.rollup import Rollup
from packengine.repository.settings import move_head
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.verify import Verifier, VerifyReport
from packengine.repository.visibility import Visibility
from packengine.signatures import PushCertificates, PushNonces, Signers
from packengine.storage import FileBlobStore, SqliteCatalog, derive_key
from packengine.storage.ports import (
    BlobKey,
    BlobStore,
    Catalog,
    Committed,
    NewRepository,
    NewToken,
    RepositoryExists,
    RepositoryRecord,
    Row,
    StorageError,
)

_CATALOG = "catalog.sqlite"
_NONCES = b"push certificate nonces"
_NONE_HIDDEN = HiddenRefs()
_NOTHING_SETTLED = PushPolicy()


class Engine:
    """The repositories of one data folder."""

    def __init__(
        self,
        catalog: Catalog,
        blobs: BlobStore,
        quarantine: Path,
        derived: Path,
        limits: Limits,
        *,
        policy: PushPolicy = _NOTHING_SETTLED,
    ) -> None:
        self.catalog = catalog
        self.limits = limits
        self.hidden_refs = policy.hidden_refs
        shelf = PackShelf(catalog, blobs, quarantine, derived, limits)
        self._loader = StateLoader(catalog, shelf, limits)
        visibility = Visibility(self._loader, limits)
        self._lifecycle = Lifecycle(catalog, self._loader, visibility, limits, policy.hidden_refs)
        self.history = History(catalog, self._loader, policy.hidden_refs)
        self._forker = Forker(catalog, self._loader, visibility, self.history, limits)
        self._importer = Importer(self._loader, shelf, blobs, quarantine, limits)
        self._exporter = Exporter(visibility, limits)
        self._verifier = Verifier(catalog, blobs, self._loader)
        self.fetches = FetchService(visibility, limits, policy.hidden_refs)
        self.open_states = OpenStates()
        self.bundles = BundleService(self._loader, visibility, shelf, blobs, derived, limits, policy.hidden_refs)
        self.answers = AnswerStore.open_folder(derived / "answers", limits.answer_cache_bytes)
        """None: no answer is kept."""

        publisher = Publisher(catalog, self._loader, limits)
        merger = Merger(shelf, blobs, limits)
        self.pushes = PushService(publisher, visibility, shelf, blobs, quarantine, limits, policy)
        self.commits = CommitService(self.pushes)
        self.merges = MergeService(self.pushes)
        self.refs = RefEdits(self.pushes)
        self.notes = NoteService(self.pushes)
        self.restorer = Restorer(self._loader, publisher, policy.hidden_refs)
        self.rollup = Rollup(self._loader, publisher, merger, limits)
        self.parts = EngineParts(catalog, blobs, shelf, self._loader, publisher, merger, derived, limits)

    @classmethod
    def open(
        cls,
        data_dir: Path,
        *,
        limits: Limits | None = None,
        hidden_refs: HiddenRefs = _NONE_HIDDEN,
        signers: Signers | None = None,
    ) -> Engine:
        """Open a data folder, made if it is not there. Sweeps what a killed process left in quarantine.

        signers: whose push certificates hold; None to ask for no certificates.
        """
        derived = data_dir / "derived"
        try:
            blobs = FileBlobStore(data_dir)
            blobs.sweep()
            derived.mkdir(exist_ok=True)
        except OSError as error:
            raise StorageError(f"data directory {data_dir}: {error.strerror}") from error
        limits = limits or Limits()
        catalog = SqliteCatalog(data_dir / _CATALOG, reuse_after_s=limits.undelete_days * S_PER_DAY)
        policy = PushPolicy(hidden_refs, None if signers is None else _certificates(catalog, signers))
        engine = cls(catalog, blobs, blobs.quarantine, derived, limits, policy=policy)
        if engine.answers is not None:
            engine.answers.sweep()
        return engine

    @staticmethod
    def is_data_folder(data_dir: Path) -> bool:
        """Whether an engine has been opened there before."""
        return (data_dir / _CATALOG).is_file()

    def load(self, repository_id: str) -> RepositoryState:
        """The newest state of a repository. Raises RepositoryMissing."""
        return self._loader.load(repository_id)

    def snapshot(self, repository_id: str) -> Snapshot:
        """The newest state, to be browsed (packengine.repository.browsing). Raises RepositoryMissing."""
        return open_snapshot(self.load(repository_id), self.pushes.visibility, self.hidden_refs)

    def create_repository(
        self,
        repository_id: str | None,
        actor: Actor,
        *,
        owner: str | None = None,
        object_format: str = "sha1",
        default_branch: str = "main",
        read_only: bool = False,
        token: NewToken | None = None,
        profile: Profile = PRIVATE,
    ) -> str:
        """Create an empty repository and, with it, its first token. Returns its id."""
        return self._lifecycle.create(
            repository_id,
            actor,
            owner=owner,
            object_format=object_format,
            default_branch=default_branch,
            read_only=read_only,
            token=token,
            profile=profile,
        )

    def fork_repository(
        self,
        source_id: str,
        fork_id: str | None,
        actor: Actor,
        *,
        owner: str | None = None,
        read_only: bool = False,
        token: NewToken | None = None,
        point: ForkPoint = WHOLE_SOURCE,
        cancel: Cancel | None = None,
    ) -> str:
        """A second pointer to the source's manifest, or to one of a part: one metadata write. Returns the fork's id."""
        new_id = chosen_id(fork_id)
        terms = ForkTerms(owner, read_only)
        self._forker.fork(source_id, [(new_id, token)], terms, point, actor, cancel or Cancel())
        return new_id

    def fork_repository_many(
        self,
        source_id: str,
        actor: Actor,
        *,
        owner: str | None = None,
        read_only: bool = False,
        tokens: Sequence[NewToken],
        point: ForkPoint = WHOLE_SOURCE,
        cancel: Cancel | None = None,
    ) -> list[str]:
        """As many forks as tokens in one transaction, all or none. Returns their ids, in the order of the tokens."""
        forks = [(chosen_id(None), token) for token in tokens]
        self._forker.fork(source_id, forks, ForkTerms(owner, read_only), point, actor, cancel or Cancel())
        return [fork_id for fork_id, _ in forks]

    def delete_repository(
        self,
        repository_id: str,
        _actor: Actor,
        *,
        force: bool = False,
        cascade: bool = False,
        first_version: int | None = None,
        may_delete: Callable[[RepositoryRecord], bool] = lambda _: True,
    ) -> list[str]:
        """Delete. Returns the deleted ids, deepest fork first. Raises ForkDependency, RepositoryMissing.

        first_version: the repository's own, if it is to be no other one that has the id by now.
        may_delete: asked of each fork that would go along.
        """
        return self._lifecycle.delete(
            repository_id, force=force, cascade=cascade, first_version=first_version, may_delete=may_delete
        )

    def undelete_repository(
        self,
        repository_id: str,
        _actor: Actor,
        *,
        token: NewToken | None = None,
        check: Callable[[RepositoryRecord], None] = lambda _: None,
    ) -> RepositoryRecord:
        """Bring back what was deleted lately, if `check` lets it pass. Raises RepositoryMissing, RepositoryExists."""
        return self._lifecycle.undelete(repository_id, token=token, check=check)

    def move_head(self, state: RepositoryState, branch: str, actor: Actor) -> Committed | None:
        """Let HEAD name another branch; None: it does already. Raises BranchNameError."""
        return move_head(self.parts.publisher, state, branch, self.hidden_refs, actor)

    def describe(self, repository_id: str, *, first_version: int | None = None) -> RepositoryDetails:
        """A repository in figures. Raises RepositoryMissing.

        first_version: the repository's own, if it is to be no other one that has the id by now.
        """
        return self._lifecycle.describe(repository_id, first_version)

    def import_repository(self, path: Path, repository_id: str | None, actor: Actor, *, progress: Progress) -> str:
        """Take over a Git repository on disk, whole or not at all. Returns its id here."""
        new_id = chosen_id(repository_id)
        if self.catalog.repository(new_id) is not None:  # told before the work; the creation is what decides
            raise RepositoryExists(f"repository {new_id} exists")
        first = self._lifecycle.first_manifest(actor, open_git_folder(path).object_format, "main")

        def create(manifest: bytes, rows: Sequence[Row], blobs: Sequence[BlobKey], size_bytes: int) -> None:
            new = NewRepository(new_id, None, now_s(), manifest, blobs=blobs, size_bytes=size_bytes)
            self.catalog.create_repositories([new], rows)

        self._importer.take_over(path, first, create, progress)
        return new_id

    def export_repository(self, repository_id: str, path: Path, *, progress: Progress) -> None:
        """Write a bare Git repository into a new folder."""
        self._exporter.export(self.load(repository_id), path, progress)

    def verify_repository(self, repository_id: str, *, progress: Progress) -> VerifyReport:
        """Check everything that a repository names."""
        return self._verifier.verify(repository_id, progress)

    def let_go_of_deleted(self) -> None:
        """Let the disk have back the space of deleted packs that are open here still. To be called now and then.

        Cost: a look at each open pack's file. Databases and views are made again when they are asked for.
        """
        if self.parts.shelf.let_go_of_deleted():
            self._loader.let_go_of_databases()
            self.pushes.visibility.let_go()

    def forget_answers(self) -> None:
        """Remove what is kept of answers and bundles, of all repositories: they hold bytes of packs."""
        if self.answers is not None:
            self.answers.clear()
        self.bundles.clear()

    def close(self) -> None:
        """Close the catalog."""
        self.catalog.close()


def _certificates(catalog: Catalog, signers: Signers) -> PushCertificates:
    return PushCertificates(signers, PushNonces(derive_key(catalog.secret(), _NONCES)))
