from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias, final

from typing_extensions import Buffer

Oid: TypeAlias = bytes
Kind: TypeAlias = Literal["commit", "tree", "blob", "tag"]
ObjectFormat: TypeAlias = Literal["sha1", "sha256"]
Severity: TypeAlias = Literal["ignore", "info", "warn", "error", "fatal"]
TreeEdit: TypeAlias = (
    tuple[Literal["write"], bytes, int | None, Oid]
    | tuple[Literal["delete"], bytes]
    | tuple[Literal["move"], bytes, bytes]
)

__version__: str

class CoreError(Exception):
    """Anything that the compiled core refuses. The message says what, where and which limit."""

class LimitExceeded(CoreError):
    """A length from outside is over its limit; no memory was taken for it."""

class CorruptObject(CoreError): ...
class CorruptPack(CoreError): ...
class CorruptIndex(CoreError): ...
class CorruptDelta(CoreError): ...
class CorruptZlib(CoreError): ...
class CollisionDetected(CoreError): ...
class FsckFailed(CoreError): ...

class MissingObject(CoreError):
    """An object is needed and is not visible. `args[1]` is its raw id."""

class UnrelatedHistories(CoreError):
    """Two commits to be merged have no common ancestor."""

class Cancelled(CoreError):
    """The `Cancel` handle that was passed in has been set."""

@final
class Cancel:
    """A flag that stops long work in another thread at its next look, within some milliseconds."""

    def __new__(cls) -> Cancel: ...
    def set(self) -> None: ...
    def is_set(self) -> bool: ...

@final
class WorkCount:
    """How far long work in another thread has come, in steps. A new piece of work starts both counts anew."""

    def __new__(cls) -> WorkCount: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int:
        """0 as long as it is not known."""

# --- objects ----------------------------------------------------------------------------------------------------------

def hash_object(kind: Kind, content: Buffer, *, object_format: ObjectFormat) -> Oid:
    """Name an object, with collision detection. Raises CollisionDetected."""

def crc32(data: Buffer, crc: int = 0) -> int:
    """The CRC-32 of zlib, of data that follows what `crc` is of; some ten times as fast as zlib's own."""

def inflate(stream: Buffer, *, size: int, max_bytes: int) -> tuple[bytes, int]:
    """Inflate one zlib stream of a known size. Returns the content and the stream's length in bytes."""

def deflate(content: Buffer, *, level: int = 6) -> bytes: ...
def apply_delta(base: Buffer, delta: Buffer, *, max_result_bytes: int) -> bytes:
    """Raises CorruptDelta, or LimitExceeded for a result over the limit."""

def encode_delta(base: Buffer, target: Buffer, *, max_delta_bytes: int) -> bytes | None:
    """A delta that makes target from base, or None if it would be longer than max_delta_bytes."""

def parse_commit(
    content: Buffer, *, object_format: ObjectFormat
) -> tuple[Oid, list[Oid], bytes, bytes, list[tuple[bytes, bytes]], bytes]:
    """(tree, parents, author line, committer line, other headers unfolded, message). Raises CorruptObject."""

def parse_tree(content: Buffer, *, object_format: ObjectFormat) -> list[tuple[int, bytes, Oid]]:
    """(mode, name, oid) of each entry in stored order. Raises CorruptObject."""

def parse_tag(content: Buffer, *, object_format: ObjectFormat) -> tuple[Oid, Kind, bytes, bytes | None, bytes]:
    """(target, its kind, tag name, tagger line, message). Raises CorruptObject."""

def object_edges(kind: Kind, content: Buffer, *, object_format: ObjectFormat) -> list[tuple[Oid, Kind]]:
    """What an object refers to, and the kind each must have; a submodule's commit is no edge."""

def check_object(
    kind: Kind,
    content: Buffer,
    *,
    object_format: ObjectFormat,
    severities: Mapping[str, Severity] | None = None,
    special_file: Literal[".gitmodules", ".gitattributes"] | None = None,
) -> list[tuple[Severity, str, str]]:
    """Git's fsck of one object: (severity, message id in Git's camelCase, sentence), `ignore`d ones left out.

    A blob is checked only as the special file that some tree makes of it. Raises ValueError for an unknown message id.
    """

# --- receiving --------------------------------------------------------------------------------------------------------

@final
class PackIngest:
    """Turn a received pack into a stored one: parse and hash as bytes arrive, then resolve, check and index.

    Bytes are kept in memory up to spill_bytes, then in a file created exclusively at `path` and flock'ed until the
    result (or this object) is dropped. A failed or dropped ingest deletes its files.
    """

    def __new__(
        cls,
        path: str,
        *,
        object_format: ObjectFormat,
        spill_bytes: int,
        max_pack_bytes: int,
        max_objects: int,
        max_object_bytes: int,
        max_resident_object_bytes: int,
        max_inflated_bytes: int,
        max_delta_depth: int,
        base_cache_bytes: int,
        threads: int,
        severities: Mapping[str, Severity] | None = None,
        cancel: Cancel | None = None,
    ) -> PackIngest: ...
    def feed(self, chunk: Buffer) -> int:
        """Take in bytes as they arrive. Returns how many belonged to the pack; fewer than len(chunk) means it ended."""

    def progress(self) -> tuple[int, int, int, int, int]:
        """(bytes received, objects received, objects announced, deltas resolved, deltas in all). At any time."""

    def finish(self, known: ObjectDb | None) -> IngestedPack:
        """Resolve all deltas, complete a thin pack from `known`, check every object, write the idx. Once only."""

@final
class IngestedPack:
    """A checked, self-contained, indexed pack in quarantine. Its files go when it is dropped, unless `release`d.

    One that `ObjectDb.write_pack` wrote has no thin bases and no warnings; what asks for its edges raises ValueError.
    """

    @property
    def digest(self) -> bytes:
        """SHA-256 of the pack's bytes."""

    @property
    def checksum(self) -> bytes:
        """The pack's trailer."""

    @property
    def size_bytes(self) -> int: ...
    @property
    def object_count(self) -> int:
        """Objects in the stored pack, thin bases counted."""

    @property
    def thin_base_count(self) -> int: ...
    @property
    def warnings(self) -> list[tuple[Oid, str, str]]:
        """(oid, message id, sentence), at most 100 of them."""

    @property
    def pack_path(self) -> str | None:
        """Where the bytes lie, or None if they are in memory."""

    @property
    def idx_path(self) -> str | None: ...
    def pack_bytes(self) -> bytes: ...
    def idx_bytes(self) -> bytes: ...
    def sync(self) -> None:
        """fsync the pack file, if there is one."""

    def release(self) -> None:
        """Somebody moved the files: do not delete them."""

    def pack(self) -> Pack:
        """The same bytes opened for reading; valid after the files were renamed."""

    def missing_edges(self, known: ObjectDb | None, *, limit: int) -> list[tuple[Oid, Kind]]:
        """Targets of edges of the pack's own objects that neither the pack nor `known` holds with that kind (law 1)."""

    def unreferenced(self, tips: Sequence[Oid], known: ObjectDb | None) -> int:
        """How many own objects are new and neither a tip nor an edge's target: 0 means the tips reach all."""

    def without_broken(self, path: str, tips: Sequence[Oid], known: ObjectDb | None) -> IngestedPack:
        """A new pack of the objects whose closure is whole. Raises MissingObject if a tip needs one that is not."""

@final
class PackBuilder:
    """Build a small pack from whole objects: commits made by REST, loose objects of an import."""

    def __new__(cls, *, object_format: ObjectFormat, level: int = 6) -> PackBuilder: ...
    def add(self, kind: Kind, content: Buffer) -> Oid:
        """Add an object unless it is in already. Returns its id."""

    def __len__(self) -> int: ...
    def finish(self) -> bytes:
        """The pack's bytes."""

def index_pack(
    pack_path: str,
    idx_path: str,
    *,
    object_format: ObjectFormat,
    threads: int,
    base_cache_bytes: int,
    max_resident_object_bytes: int,
    cancel: Cancel | None = None,
) -> tuple[bytes, bytes, int]:
    """Write the idx (v2) of a stored self-contained pack, checking every object against its hash.

    Returns (SHA-256 of the pack's bytes, trailer, object count). The idx is written to a temporary file and renamed.
    """

# --- reading ----------------------------------------------------------------------------------------------------------

@final
class Pack:
    """One stored pack with its index: a frozen handle that may be shared by many databases."""

    @staticmethod
    def open(pack_path: str, idx_path: str, *, object_format: ObjectFormat) -> Pack:
        """Map both files. Raises CorruptIndex or CorruptPack if header, trailer or size disagree."""

    @staticmethod
    def from_bytes(pack: bytes, idx: bytes | None, *, object_format: ObjectFormat) -> Pack:
        """A pack held in memory; without an idx one is made."""

    @property
    def checksum(self) -> bytes: ...
    @property
    def object_count(self) -> int: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def has_graph(self) -> bool: ...
    def attach_graph(self, path: str) -> None:
        """Map the commit-graph of this pack, for all databases that have the pack; a second call does nothing.

        Raises CorruptIndex if it is damaged or of another pack.
        """

    def idx_bytes(self) -> bytes: ...
    def rev_bytes(self) -> bytes:
        """The reverse index (.rev v1), as Git would write it."""

    def attach_rev(self, path: str) -> None:
        """Take the order of the pack from its .rev file. All databases that share the pack use it from now on.

        Here and below, a second call changes nothing. Raises CorruptIndex for a damaged file or another pack's.
        """

    @property
    def has_rev(self) -> bool: ...
    def attach_bitmaps(self, path: str) -> None:
        """Map the pack's .bitmap file (v1). Walks of all databases that share the pack use it from now on."""

    @property
    def has_bitmaps(self) -> bool: ...

@final
class ObjectDb:
    """Objects over a list of packs, newest first; an object's home is the first that has it. Frozen, any thread."""

    def __new__(
        cls,
        packs: Sequence[Pack],
        *,
        object_format: ObjectFormat,
        cache_bytes: int,
        max_object_bytes: int,
        max_delta_depth: int,
    ) -> ObjectDb: ...
    def with_pack(self, pack: Pack) -> ObjectDb:
        """The same with one more pack in front; a restriction is dropped.

        Cost, as that of a new database over packs of which the hinder ones have one: the pack's own objects.
        """

    def restricted(self, visible: ObjectSet) -> ObjectDb:
        """A view in which only these objects exist (law 8)."""

    def __len__(self) -> int:
        """Distinct visible objects."""

    def contains(self, oid: Oid) -> bool: ...
    def known(self, oids: Sequence[Oid]) -> list[Oid]:
        """Those that are visible, in their order: thousands at once."""

    def header(self, oid: Oid) -> tuple[Kind, int] | None:
        """(kind, size in bytes) without inflating more than delta headers."""

    def read(self, oid: Oid) -> tuple[Kind, bytes]:
        """Raises MissingObject, CorruptPack or LimitExceeded."""

    def peel(self, oid: Oid) -> tuple[Kind, Oid]:
        """Follow annotated tags to what is none."""

    def all_objects(self) -> ObjectSet: ...
    def reachable(
        self, tips: Sequence[Oid], *, known: ObjectSet | None = None, cancel: Cancel | None = None
    ) -> ObjectSet:
        """The closure of the tips. Raises MissingObject if an edge leads nowhere.

        known: a closure itself, which becomes part of this one and is not walked again.
        """

    def difference(
        self, wants: Sequence[Oid], haves: Sequence[Oid], *, cancel: Cancel | None = None
    ) -> tuple[ObjectSet, ObjectSet]:
        """(what the wants reach and the haves do not, some objects that the client holds: bases for thin deltas)."""

    def select(
        self,
        wants: Sequence[Oid],
        haves: Sequence[Oid],
        *,
        shallow: Sequence[Oid] = (),
        filters: Sequence[ObjectFilter] = (),
        cancel: Cancel | None = None,
    ) -> tuple[ObjectSet, ObjectSet]:
        """As `difference`, in a graph that ends at `shallow`, less what the filters do not let through.

        The commits among `shallow` have no parents; what is not visible or no commit is passed over. Wants themselves
        pass every filter. With filters, the second set has only what they would have let through to the client before.
        """

    def depth_boundary(
        self, tips: Sequence[Oid], depth: int, *, cancel: Cancel | None = None
    ) -> tuple[list[Oid], ObjectSet]:
        """(the commits at which a history of so many commits from the tips ends, the commits above them).

        A commit counts at its least depth, a tip at depth 1; one at the full depth ends history even if it has no
        parents. Tips that lead to no commit are passed over. Raises ValueError for depth 0.
        """

    def age_boundary(
        self, tips: Sequence[Oid], *, since_s: int | None, excluded: Sequence[Oid], cancel: Cancel | None = None
    ) -> tuple[list[Oid], ObjectSet]:
        """The same of the history that is not older than since_s and that `excluded` does not reach.

        since_s: a committer date, in seconds since 1970. A selected commit with a parent that is not selected ends
        history. Both are empty if no commit is selected.
        """

    def reached_among(
        self,
        tips: Sequence[Oid],
        candidates: Sequence[Oid],
        *,
        shallow: Sequence[Oid] = (),
        cancel: Cancel | None = None,
    ) -> list[Oid]:
        """Those commits among the candidates that the tips reach, in their order; history ends at `shallow`."""

    def split_by_pack(
        self, objects: ObjectSet, *, min_pack_bytes: int, max_packs: int, cancel: Cancel | None = None
    ) -> tuple[list[int], ObjectSet]:
        """(packs all of whose objects are in the set, by their place in the database; what none of these holds).

        Of at least that size, at most so many, the largest first, none that adds nothing to larger ones. A pack holds
        also those objects whose home is a newer one.
        """

    def tag_chain(self, tags: Sequence[Oid]) -> ObjectSet:
        """The annotated tags themselves, down each chain, and nothing else that they tag."""

    def parents(self, commit: Oid) -> list[Oid]:
        """In the commit's order. Raises CorruptObject for what is no commit."""

    def is_ancestor(self, ancestor: Oid, descendant: Oid) -> bool: ...
    def merge(
        self,
        ours: Oid,
        theirs: Oid,
        *,
        ours_label: Buffer,
        theirs_label: Buffer,
        max_memory_bytes: int,
        max_text_bytes: int,
        max_read_bytes: int,
        rename_limit: int = 7000,
        allow_unrelated: bool = False,
        cancel: Cancel | None = None,
    ) -> MergeResult:
        """Merge two commits by the rules of `git merge-tree --write-tree`, common ancestors first where there are
        several.

        Labels: how the sides are called behind the marks of conflicts, and in paths that make room for others.
        max_memory_bytes: for the paths that differ and for what is written. max_text_bytes: of three texts that are
        merged. max_read_bytes: of all objects, each as often as it is read. rename_limit: as Git's `merge.renameLimit`.
        Raises UnrelatedHistories, unless that is allowed: then the common ancestor is empty. LimitExceeded;
        CorruptObject for a tree with two entries of one name. Cost: trees that differ are read, and of files what both
        sides changed or a rename is looked for in. docs/merging.md says where Git's answer is another one.
        """

    def merge_bases(self, left: Oid, right: Oid) -> list[Oid]:
        """Best common ancestors, as `git merge-base --all` lists them."""

    def all_reach(
        self,
        wants: Sequence[Oid],
        haves: Sequence[Oid],
        *,
        shallow: Sequence[Oid] = (),
        cancel: Cancel | None = None,
    ) -> bool:
        """Whether each want has one of the haves among its ancestors: time to say `ready`. `shallow` as in `select`."""

    def count_commits(self, tips: Sequence[Oid], *, cancel: Cancel | None = None) -> int:
        """How many commits the tips reach, themselves counted. Memory: a bit for each object."""

    def walk_commits(
        self, tips: Sequence[Oid], hidden: Sequence[Oid], *, limit: int, skip: int = 0, cancel: Cancel | None = None
    ) -> list[Oid]:
        """Newest committer date first, as `git rev-list`. Nothing is left out that the hidden tips do not reach."""

    def stream_pack(
        self,
        objects: ObjectSet,
        *,
        client_holds: ObjectSet | None,
        ofs_delta: bool,
        level: int = 6,
        threads: int = 1,
        cancel: Cancel | None = None,
    ) -> PackStream:
        """A pack of exactly these objects; stored entries are copied. Deltas against `client_holds` may be thin.

        level: zlib's; what is not stored in a form that can be sent becomes about as small as by zlib. threads: those
        that compress it, the reader's counted; the bytes are the same for any number. Nobody waits for them when the
        stream goes: each ends by itself with the object in hand, or earlier, and keeps the packs open until then.
        """

    def write_pack(
        self,
        objects: ObjectSet,
        path: str,
        *,
        level: int = 6,
        threads: int = 1,
        spill_bytes: int = 0,
        cancel: Cancel | None = None,
        work: WorkCount | None = None,
    ) -> IngestedPack:
        """A stored pack of exactly these objects, in quarantine as an ingest's: entries are copied, none is received.

        threads: as `stream_pack`'s; spill_bytes: as `PackIngest`'s. work: counts objects. Each copied entry is checked
        against its CRC-32, what is compressed again against its name. Where deltas across packs would make a cycle or
        too long a chain, an object is written whole. Same packs and objects, same bytes. Raises CorruptPack.
        """

    def blobs_at_path(
        self,
        tips: Sequence[Oid],
        path: Buffer,
        *,
        max_blobs: int,
        max_depth: int = 4096,
        cancel: Cancel | None = None,
        work: WorkCount | None = None,
    ) -> list[Oid]:
        """The blobs that any commit reachable from `tips` has at a path, sorted; folders and submodules are none.

        Every commit is read, each distinct tree on the path once. work: counts commits. max_depth: names in the path.
        Raises LimitExceeded.
        """

    def without_blobs(
        self,
        tips: Sequence[Oid],
        blobs: Sequence[Oid],
        folder: str,
        *,
        level: int = 6,
        batch_bytes: int = ...,
        cancel: Cancel | None = None,
        work: WorkCount | None = None,
    ) -> tuple[list[Oid | None], list[IngestedPack], tuple[int, int, int]]:
        """Write anew whatever of `tips` reaches any of these blobs, without them, wherever they stand.

        Returns what takes the place of each tip (itself if it reaches none; None for a blob that goes, or a tag of
        one), the packs of the new objects in `folder`, to be used beside the packs of this database, and how many
        commits, trees and annotated tags were written anew. Emptied folders go; commits stay, without the signatures
        (`gpgsig`, at the end of tags, tags merged into commits) that sign what is no longer there. Every commit and
        tree is read. Memory: a bit an object of the database, some 60 bytes for each that is written anew, one pack of
        `batch_bytes`. work: counts objects that were looked at.
        """

    def verify(self, *, cancel: Cancel | None = None) -> int:
        """Read and hash every object, check each pack's trailer. Returns how many objects. Raises the first error."""

    # browsing: trees are given by their own ids, not by a commit's; a path has names between slashes, none at its ends

    def tree_entry(self, tree: Oid, path: Buffer) -> tuple[int, Oid] | None:
        """(mode, oid) of what a path leads to; None if it leads nowhere. The empty path is the tree itself, 0o40000.

        Cost: the trees on the path. Here and below, CorruptObject is raised for a tree that is none.
        """

    def edit_tree(
        self,
        base: Oid | None,
        edits: Sequence[TreeEdit],
        *,
        max_memory_bytes: int = ...,
        cancel: Cancel | None = None,
    ) -> tuple[Oid, list[bytes]]:
        """Apply edits to a tree, or to none, in their order. Returns (the new root, contents of the trees it needs).

        ("write", path, mode, oid): put an object there; it may be one that is yet to come. Mode: one that Git writes,
        0o40000 for a whole tree, or None for that of the file or link which is there, else 0o100644. A file or folder
        that is there is replaced, and so are files where folders must be.
        ("delete", path): take away the file or folder that is there; what is not there is passed over.
        ("move", old, new): take what is at one path, and put it at the other as a write would.

        Folders that become empty vanish; the root may be the empty tree. The contents are those of the trees that the
        database does not show, each once, children first. max_memory_bytes: for the trees on the paths, old and new.
        Raises ValueError naming the path: a name that fsck refuses (`.git` and its look-alikes on any file system), a
        path over 4096 bytes, an unknown mode, a move of nothing or of a folder into itself; and LimitExceeded.
        Cost: the trees on the paths, each read, copied and hashed once.
        """

    def list_tree(
        self,
        tree: Oid,
        *,
        recursive: bool,
        sizes: bool,
        after: Buffer | None,
        limit: int,
        max_memory_bytes: int = ...,
        cancel: Cancel | None = None,
    ) -> tuple[list[tuple[bytes, int, Oid, int | None]], bytes | None]:
        """A page of (path, mode, oid, size in bytes of a file if asked for), and the cursor of the next one.

        In each folder the folders come first, each followed by what is in it if `recursive`, then files and submodules.
        after: the cursor that the last page gave, a path; if nothing is there any more, the page begins where it would
        be. Raises ValueError for what is no cursor, and for a limit of 0. max_memory_bytes: for the rows and for the
        trees on the path of one. Sizes are read from headers. Cost: the trees that have rows, and those on the path.
        """

    def diff_trees(
        self,
        old: Oid | None,
        new: Oid | None,
        *,
        renames: bool,
        limit: int,
        max_memory_bytes: int = ...,
        max_similarity_bytes: int = ...,
        cancel: Cancel | None = None,
    ) -> list[
        tuple[Literal["added", "modified", "deleted", "renamed"], bytes, bytes | None, int, int, Oid | None, Oid | None]
    ]:
        """(status, path, old path of a rename, old mode, new mode, old oid, new oid) of each file that differs.

        As `git diff-tree -r --raw`, with `-M` if `renames`: pairs half the same, files of one name first, inexact ones
        only if they are at most 1000 times 1000. None is the empty tree; the mode of what is not there is 0. A change
        of type is "modified". Order: that of the trees. Raises LimitExceeded if more than `limit` files differ.
        max_memory_bytes: for the paths, and the trees on the path at hand. max_similarity_bytes: if the files that
        went and came and are not equal have more, inexact renames are not looked for.
        Cost: the trees that differ; for inexact renames, the files compared.
        """

    def diff_blobs(
        self,
        old: Oid | None,
        new: Oid | None,
        *,
        context: int,
        max_bytes: int,
        max_lines: int,
        cancel: Cancel | None = None,
    ) -> BlobDiff:
        """Which lines differ, with `context` lines around them, as `git diff`. None is the empty blob.

        max_bytes: the largest blob that is compared; max_lines: the most lines that are told, context counted.
        Raises CorruptObject for what is no blob. A comparison that has begun is not cancelled: max_bytes bounds it.
        """

    def log(
        self,
        tips: Sequence[Oid],
        *,
        hidden: Sequence[Oid] = (),
        path: Buffer | None = None,
        since_s: int | None = None,
        until_s: int | None = None,
        limit: int,
        skip: int = 0,
        max_looked_at: int,
        cursor: bytes | None = None,
        cancel: Cancel | None = None,
    ) -> tuple[list[Oid], bytes | None]:
        """A page of the commits that `git log` shows, by committer date, and the cursor of the next one.

        path: only those that changed the file or folder there, history simplified as by default (`git log -- path`).
        since_s and until_s: committer dates in seconds since 1970, as `--since` and `--until`, both included.
        A page ends after `limit` commits, or when max_looked_at were looked at: then it has fewer, maybe none, and a
        cursor. With a cursor `skip` is not looked at, since the cursor knows; all else must be what it was. Refs that
        moved do not change what follows: it goes on from commits. It is at most some 2 to 3 KB; where history is too
        wide for that, what went before is walked once more. Where clocks went wrong a commit may be on two pages.
        Raises ValueError for a cursor or path that is none and for limits of 0; MissingObject; CorruptObject. Cost:
        commits by a commit-graph, about a microsecond each; with a path also their outermost tree.
        """

    def open_blob(self, oid: Oid, *, max_resident_bytes: int = ..., cancel: Cancel | None = None) -> BlobReader:
        """Raises CorruptObject for what is no blob; LimitExceeded for a larger one that is stored as a delta.

        Those that are stored whole, as all are that were received with more than the ingest's own limit, are inflated
        as they are read, whatever their size.
        """

@final
class BlobDiff:
    """How two blobs differ."""

    @property
    def additions(self) -> int:
        """Lines that came. They and those that went are counted in full, whatever is told."""

    @property
    def deletions(self) -> int: ...
    @property
    def is_binary(self) -> bool:
        """One of them has a NUL among its first 8000 bytes. Then nothing is told and nothing counted."""

    @property
    def truncated(self) -> bool:
        """One is larger than max_bytes, so that nothing is told or counted; or there are more lines than max_lines."""

    @property
    def hunks(self) -> list[tuple[int, int, int, int, list[tuple[Literal["ctx", "add", "del"], bytes]]]]:
        """(old start, old lines, new start, new lines, (kind, line) in order), by the rules of `git diff`.

        A line has its line feed; one without is the last of its file (git says "\\ No newline at end of file").
        Starts count from 1, and name the line before where there are no lines. With max_lines the last hunk may end
        early; its numbers are those of what it has.
        """

@final
class BlobReader:
    """A blob read in pieces. Any thread, one at a time; it keeps the pack open."""

    @property
    def size(self) -> int:
        """In bytes."""

    def read(self, offset: int, max_bytes: int) -> bytes:
        """The bytes from `offset` on, at most max_bytes; fewer only at the end, none behind it. Releases the GIL.

        Cost: what is read, if it goes on where the last read ended; else also what is passed over on the way from
        there, or from the start for a place before. Raises CorruptPack, Cancelled.
        """

@final
class MergeResult:
    """What a merge came to. Frozen."""

    @property
    def tree(self) -> Oid | None:
        """The merged tree; None if there are conflicts."""

    @property
    def conflicts(self) -> list[tuple[bytes, str]]:
        """Paths in conflict, in their order, each with its kind.

        "content", "add/add", "modify/delete", "rename/rename", "rename/delete", "rename/add", "file/directory",
        "distinct types", "mode", "binary", "symlink", "submodule"; "file location" where the other side renamed the
        folder that something was added to, "directory rename split" and "implicit directory rename" where it is unclear
        where to.
        """

    @property
    def objects(self) -> list[tuple[Kind, bytes]]:
        """What the tree needs and the database has not: each after what it refers to. Empty if there are conflicts."""

    @property
    def bases(self) -> list[Oid]:
        """The best common ancestors, as `merge_bases` has them."""

    @property
    def read_count(self) -> int:
        """How many objects were read for it."""

@final
class ObjectFilter:
    """One term of a partial clone's filter. Frozen. Several let through what each of them lets through alone."""

    @staticmethod
    def blob_none() -> ObjectFilter:
        """No blobs. None is looked up."""

    @staticmethod
    def blob_limit(limit_bytes: int) -> ObjectFilter:
        """Blobs of fewer bytes."""

    @staticmethod
    def tree_depth(depth: int) -> ObjectFilter:
        """Trees and blobs at a lesser depth. A commit's root tree has depth 0; what a wanted tree holds, too."""

    @staticmethod
    def object_type(kind: Kind) -> ObjectFilter:
        """Objects of one kind."""

    @staticmethod
    def sparse(patterns: Buffer, *, max_bytes: int = 65536, max_patterns: int = 1000) -> ObjectFilter:
        """All trees, and blobs with a path that a sparse checkout by these patterns (gitignore(5)) would populate.

        Raises ValueError: more patterns or bytes, or a pattern with more than 60 `*` or 8 `**`.
        """

@final
class ObjectSet:
    """A frozen set of objects of one ObjectDb, or of all over the same `Pack`s: a bit for each object."""

    def __len__(self) -> int: ...
    def __contains__(self, oid: Oid, /) -> bool: ...
    def oids(self, *, offset: int = 0, limit: int) -> list[Oid]:
        """A page of the members, in the database's order."""

    def union(self, other: ObjectSet) -> ObjectSet: ...
    def minus(self, other: ObjectSet) -> ObjectSet: ...
    def moved_to(self, db: ObjectDb, *, cancel: Cancel | None = None) -> ObjectSet:
        """The same objects as a set of another database, one over nearly the same packs if it is to be cheap.

        Raises MissingObject for one that is not stored there; what is restricted there may be in the set.
        """

@final
class PackStream:
    """A pack being written: read it to the end."""

    @property
    def object_count(self) -> int: ...
    @property
    def reused_count(self) -> int:
        """Entries copied as they were stored, so far."""

    def read(self, max_bytes: int) -> bytes:
        """The next bytes, at most max_bytes; b"" after the trailer. Releases the GIL."""

    def read_in_band(self, max_bytes: int, max_packet_bytes: int) -> bytes:
        """The same in packets of side-band 1, which come on top of max_bytes. Format: gitprotocol-pack(5)."""

    def read_parts(
        self, max_made_bytes: int, max_bytes: int, max_packet_bytes: int | None
    ) -> tuple[list[memoryview], bool]:
        """The next bytes one part behind the other, in packets if their size is given, and whether they are the last.

        What is copied from a stored pack is a view of it, mapped, and in memory when this returns. max_made_bytes: of
        the rest, which has memory of its own. The last list may be empty, and a part never is. Releases the GIL.
        """

# --- maintenance ------------------------------------------------------------------------------------------------------

def write_commit_graph(db: ObjectDb, path: str, *, cancel: Cancel | None = None, work: WorkCount | None = None) -> int:
    """Write the commit-graph (v1, with corrected commit dates) of a database of one pack. Returns how many commits.

    Written to a temporary file and renamed, not synced. `work` counts objects. Raises MissingObject if a parent is not
    in the pack: then there is none for it.
    """

def write_rev(pack: Pack, path: str) -> None:
    """Write the pack's reverse index: to a temporary file beside `path`, then renamed. Not synced, as all below."""

def write_bitmaps(
    db: ObjectDb,
    tips: Sequence[Oid],
    path: str,
    *,
    max_memory_bytes: int,
    cancel: Cancel | None = None,
    work: WorkCount | None = None,
) -> int | None:
    """Write reachability bitmaps (.bitmap v1, with name hashes) of a database of one pack.

    tips: ref values; those that lead to no commit of the pack are passed over. work: counts commits.
    Returns how many commits have a bitmap; None, and none is written, if an object refers to one outside of the pack.
    Raises LimitExceeded if max_memory_bytes are not enough: 22 for each object, 60 for each commit, and the compressed
    bitmaps of commits with children to come. Cost: each tree is read about once; more memory than needed saves time.
    """

# --- HTTP/1.1 ---------------------------------------------------------------------------------------------------------

class HttpError(ValueError):
    """A request that is refused, and with it its connection."""

    status: int
    """Of the answer: 400, 431, 501 or 505."""

    sentence: str
    """What is wrong, for whoever sent it; it repeats nothing of the request."""

@final
class RequestHead:
    """The head of a request, as ASGI wants it. Frozen."""

    @property
    def size(self) -> int:
        """The bytes of the input that it takes, with empty lines before it."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str:
        """Escapes resolved as `urllib.parse.unquote` does. `*` is the server as a whole."""

    @property
    def raw_path(self) -> bytes: ...
    @property
    def query_string(self) -> bytes: ...
    @property
    def http_version(self) -> Literal["1.0", "1.1"]: ...
    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """In the order sent, names in lower case; the host of an absolute target in place of Host's."""

    @property
    def body_bytes(self) -> int | None:
        """0 where no body is announced, None where it is chunked."""

    @property
    def keeps_alive(self) -> bool: ...
    @property
    def awaits_continue(self) -> bool: ...
    @property
    def upgrade(self) -> bytes | None:
        """The protocols that the client would change to, in lower case."""

def parse_request_head(data: Buffer, /, *, max_bytes: int, max_headers: int) -> RequestHead | None:
    """Read the head that `data` begins with: RFC 9112, 2 to 6. None as long as its end is missing.

    Fed in pieces it ends as fed whole does. Raises HttpError: 400, also for whatever two servers might read in two
    ways; 431 over a limit; 501 for CONNECT and for a coding but chunked; 505 for a version but 1.0 and 1.1.
    """

@final
class ChunkedBody:
    """Takes the payload out of a chunked body (RFC 9112, 7.1), in whatever pieces it arrives. Trailers are dropped."""

    def __new__(cls, *, max_line_bytes: int, max_trailer_bytes: int) -> ChunkedBody: ...
    def read(self, data: Buffer, /) -> tuple[bytes, int]:
        """The payload in `data`, and how much of it belongs to the body: all, until the body ends.

        Raises HttpError (400), and then again at each further call.
        """

    @property
    def is_complete(self) -> bool: ...

def encode_response_head(
    status: int,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    request_method: str,
    http_version: Literal["1.0", "1.1"],
    keeps_alive: bool,
    date: bytes,
) -> tuple[bytes, Literal["length", "chunked", "close", "none"], bool]:
    """(the head with all that HTTP/1.1 needs, how the body is framed, whether the connection stays open).

    `"none"`: no body is sent, whatever the application gives. An interim answer (1xx) is sent as given. Raises
    ValueError for what an application must not give: a status, name or value out of range, Transfer-Encoding, lengths.
    """
