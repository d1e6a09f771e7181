"""Histories without some blobs, beside `git filter-branch` and beside what stock git says of the result."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CorruptObject,
    LimitExceeded,
    ObjectDb,
    Pack,
    PackBuilder,
    WorkCount,
    hash_object,
)
from packengine.repository import Limits
from packengine.repository.packs import open_database
from tests.support.git import git
from tests.support.random_repository import build

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

FORMATS: list[ObjectFormat] = ["sha1", "sha256"]


def opened(repository: Path, object_format: ObjectFormat) -> ObjectDb:
    packs = [
        Pack.open(str(path), str(path.with_suffix(".idx")), object_format=object_format)
        for path in sorted((repository / "objects" / "pack").glob("*.pack"))
    ]
    return open_database(packs, object_format, Limits())


def refs_of(repository: Path) -> dict[str, bytes]:
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=repository).decode().splitlines()
    return {name: bytes.fromhex(oid) for name, oid in (line.split() for line in lines)}


def blobs_of(repository: Path) -> list[str]:
    """Every blob that a commit has, in order."""
    listed = git("rev-list", "--objects", "--branches", "--no-object-names", cwd=repository)
    kinds = git("cat-file", "--batch-check=%(objecttype) %(objectname)", cwd=repository, stdin=listed).decode()
    return sorted(line.split()[1] for line in kinds.splitlines() if line.startswith("blob "))


def purged(repository: Path, folder: Path, blobs: list[bytes], object_format: ObjectFormat) -> dict[str, bytes | None]:
    """Write the history anew into the repository itself, and move its refs. Returns what became of each."""
    refs = refs_of(repository)
    tips = sorted(set(refs.values()))
    objects = opened(repository, object_format)
    successors, packs, _ = objects.without_blobs(tips, blobs, str(folder), batch_bytes=20_000)
    for pack in packs:
        git("index-pack", "--stdin", "--strict", cwd=repository, stdin=pack.pack_bytes())
    by_tip = dict(zip(tips, successors, strict=True))
    moved = {name: by_tip[oid] for name, oid in refs.items()}
    lines = [f"delete {name}" if oid is None else f"update {name} {oid.hex()}" for name, oid in moved.items()]
    git("update-ref", "--stdin", cwd=repository, stdin="\n".join([*lines, ""]).encode())
    return moved


@pytest.mark.parametrize("object_format", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_every_tree_and_commit_is_as_git_filter_branch_makes_it(
    tmp_path: Path, object_format: ObjectFormat, seed: int
) -> None:
    ours = build(tmp_path / "ours", seed=seed, object_format=object_format)
    doomed = Random(seed).sample(blobs_of(ours), 6)
    theirs = tmp_path / "theirs"
    git("clone", "--quiet", "--mirror", ours, theirs)
    (tmp_path / "packs").mkdir()
    moved = purged(ours, tmp_path / "packs", [bytes.fromhex(oid) for oid in doomed], object_format)
    (tmp_path / "doomed").write_text("\n".join([*doomed, ""]))
    drop = (
        f"git ls-files -s | grep -F -f {tmp_path / 'doomed'} | cut -f2- "
        "| while read -r name; do printf '0 %s\\t%s\\n' 0000000000000000000000000000000000000000 \"$name\"; done "
        "| git update-index --index-info"
    )
    if object_format == "sha256":
        drop = drop.replace("0" * 40, "0" * 64)
    environment = {"FILTER_BRANCH_SQUELCH_WARNING": "1"}
    git("filter-branch", "-f", "--index-filter", drop, "--", "--branches", cwd=theirs, env=environment)
    expected = refs_of(theirs)
    branches = [name for name in moved if name.startswith("refs/heads/")]
    assert {name: moved[name] for name in branches} == {name: expected[name] for name in branches}
    git("fsck", "--strict", cwd=ours)
    listed = git("rev-list", "--objects", "--all", "--no-object-names", cwd=ours).decode().split()
    assert not set(doomed) & set(listed)


@pytest.mark.parametrize("object_format", FORMATS)
def test_what_reaches_no_such_blob_keeps_its_id(tmp_path: Path, object_format: ObjectFormat) -> None:
    repository = build(tmp_path / "repository", seed=1, object_format=object_format)
    objects, tips = opened(repository, object_format), sorted(set(refs_of(repository).values()))
    absent = hash_object("blob", b"nobody has this", object_format=object_format)
    assert objects.without_blobs(tips, [absent], str(tmp_path)) == (tips, [], (0, 0, 0))


@pytest.mark.parametrize("object_format", FORMATS)
@pytest.mark.parametrize("path", ["a", "dir/a", "dir/deep/c", "dir", "dir/a/b", "none"])
def test_the_blobs_at_a_path_are_those_that_commits_have_there(
    tmp_path: Path, object_format: ObjectFormat, path: str
) -> None:
    repository = build(tmp_path / "repository", seed=2, object_format=object_format)
    tips = sorted(set(refs_of(repository).values()))
    expected = set()
    for commit in git("rev-list", "--all", cwd=repository).decode().split():
        for line in git("ls-tree", commit, "--", path, cwd=repository).decode().splitlines():
            _, kind, oid = line.partition("\t")[0].split()
            expected |= {bytes.fromhex(oid)} if kind == "blob" else set()
    found = opened(repository, object_format).blobs_at_path(tips, path.encode(), max_blobs=1000)
    assert found == sorted(expected)
    if expected:
        with pytest.raises(LimitExceeded):
            opened(repository, object_format).blobs_at_path(tips, path.encode(), max_blobs=len(expected) - 1)


class Handmade:
    """A database of objects that are written here byte by byte."""

    def __init__(self) -> None:
        self._builder = PackBuilder(object_format="sha1")

    def blob(self, content: bytes) -> bytes:
        return self._builder.add("blob", content)

    def tree(self, *entries: tuple[str, str, bytes]) -> bytes:
        return self._builder.add("tree", b"".join(f"{mode} {name}\0".encode() + oid for mode, name, oid in entries))

    def commit(self, tree: bytes, *parents: bytes, more: str = "") -> bytes:
        lines = [f"tree {tree.hex()}", *(f"parent {parent.hex()}" for parent in parents)]
        people = ["author A <a@b> 1 +0000", "committer C <c@d> 1 +0000"]
        return self._builder.add("commit", ("\n".join([*lines, *people]) + f"\n{more}\nmessage\n").encode())

    def tag(self, target: bytes, kind: str) -> bytes:
        head = f"object {target.hex()}\ntype {kind}\ntag t\ntagger T <t@u> 1 +0000\n\nt\n"
        return self._builder.add("tag", (head + "-----BEGIN PGP SIGNATURE-----\nx\n").encode())

    def objects(self) -> ObjectDb:
        return open_database([Pack.from_bytes(self._builder.finish(), None, object_format="sha1")], "sha1", Limits())


def test_tags_trees_and_blobs_that_refs_name_are_followed(tmp_path: Path) -> None:
    made = Handmade()
    secret, plain = made.blob(b"secret"), made.blob(b"plain")
    only = made.tree(("100644", "secret", secret))
    both = made.tree(("100644", "plain", plain), ("40000", "sub", only), ("160000", "module", b"\1" * 20))
    commit = made.commit(both, more="gpgsig x\n y\n")
    tips = [secret, plain, only, both, made.tag(secret, "blob"), made.tag(only, "tree"), commit]
    tips += [made.tag(made.tag(commit, "commit"), "tag"), made.tag(plain, "blob")]
    objects = made.objects()
    successors, (pack,), counts = objects.without_blobs(tips, [secret], str(tmp_path))
    assert counts == (1, 2, 4)
    new = objects.with_pack(pack.pack())
    empty = hash_object("tree", b"", object_format="sha1")
    assert successors[:3] == [None, plain, empty]
    assert successors[4] is None
    assert successors[8] == tips[8]
    tree, _tag_of_tree, rewritten, nested = successors[3], successors[5], successors[6], successors[7]
    assert tree is not None
    assert rewritten is not None
    assert nested is not None
    assert new.read(tree)[1] == b"100644 plain\0" + plain + b"160000 module\0" + b"\1" * 20
    assert new.read(rewritten)[1].decode().startswith(f"tree {tree.hex()}\nauthor A")
    assert b"gpgsig" not in new.read(rewritten)[1]
    assert new.peel(nested) == ("commit", rewritten)
    assert b"PGP" not in new.read(nested)[1]


def test_a_commit_whose_tree_is_emptied_stays(tmp_path: Path) -> None:
    made = Handmade()
    secret = made.blob(b"secret")
    deep = made.tree(("40000", "a", made.tree(("40000", "b", made.tree(("100644", "c", secret))))))
    first = made.commit(deep)
    tip = made.commit(deep, first, first)
    objects = made.objects()
    (successor,), (pack,), counts = objects.without_blobs([tip], [secret], str(tmp_path))
    assert counts == (2, 3, 0)
    assert successor is not None
    new, empty = objects.with_pack(pack.pack()), hash_object("tree", b"", object_format="sha1")
    kept = new.reachable([successor])
    assert empty in kept
    assert len(kept) == 3


def test_a_cancelled_rewriting_leaves_no_file(tmp_path: Path) -> None:
    repository, packs = build(tmp_path / "repository", seed=3), tmp_path / "packs"
    packs.mkdir()
    cancel, work = Cancel(), WorkCount()
    cancel.set()
    objects, tips = opened(repository, "sha1"), sorted(set(refs_of(repository).values()))
    doomed = [bytes.fromhex(oid) for oid in blobs_of(repository)[:3]]
    with pytest.raises(Cancelled):
        objects.without_blobs(tips, doomed, str(packs), batch_bytes=1, cancel=cancel, work=work)
    _, written, _ = objects.without_blobs(tips, doomed, str(packs), batch_bytes=1, work=work)
    assert work.done > 100
    assert len(list(packs.iterdir())) == 2 * len(written)
    del written
    assert list(packs.iterdir()) == []


def test_a_damaged_tree_is_named(tmp_path: Path) -> None:
    made = Handmade()
    builder_tree = made.tree(("100644", "x", b"short"))
    tip = made.commit(builder_tree)
    with pytest.raises(CorruptObject, match=builder_tree.hex()):
        made.objects().without_blobs([tip], [b"\2" * 20], str(tmp_path))


def test_versions_of_a_folder_are_stored_as_deltas_of_one_another(tmp_path: Path) -> None:
    made = Handmade()
    secret, tip, whole_bytes = made.blob(b"secret"), b"", 0
    names = [f"{number:03}" for number in range(300)]
    for version in range(120):
        changed = made.blob(str(version).encode())
        plain = [("100644", name, changed if name == "150" else hash_of(name)) for name in names]
        for name in names if version == 0 else ():
            made.blob(name.encode())
        tree = made.tree(*plain, ("100644", "secret", secret))
        whole_bytes += 300 * 24
        tip = made.commit(tree, *([tip] if tip else []))
    objects = made.objects()
    (successor,), (pack,), counts = objects.without_blobs([tip], [secret], str(tmp_path))
    assert successor is not None
    assert counts == (120, 120, 0)
    assert pack.size_bytes < whole_bytes // 10
    assert open_database([pack.pack()], "sha1", Limits()).verify() == 240


def hash_of(content: str) -> bytes:
    return hash_object("blob", content.encode(), object_format="sha1")
