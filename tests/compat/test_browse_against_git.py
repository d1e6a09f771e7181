"""Trees edited, listed, compared and logged as stock Git does it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import ObjectDb, Pack
from tests.support.git import git
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat, Oid, TreeEdit

NAMES = [b"a", b"a.b", b"a-", b"a0", b"b", b"c d"]
MODES = [0o100644, 0o100755, 0o120000]


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def object_format(request: pytest.FixtureRequest) -> ObjectFormat:
    name: ObjectFormat = request.param
    return name


def random_path(random: Random) -> bytes:
    return b"/".join(random.choice(NAMES) for _ in range(random.randint(1, 3)))


def test_edits_make_the_tree_that_the_index_makes(tmp_path: Path, object_format: ObjectFormat) -> None:
    random = Random(5)
    git("init", "--quiet", "--bare", f"--object-format={object_format}", tmp_path)
    blobs = [written_blob(tmp_path, b"%d" % number) for number in range(3)]
    for _ in range(12):
        git("read-tree", "--empty", cwd=tmp_path)
        apply_to_index(tmp_path, ("write", b"kept", 0o100644, blobs[0]))  # Git knows an empty tree without having it
        trees: list[Oid] = [tree_of_index(tmp_path)]
        edits: list[TreeEdit] = []
        for _ in range(8):
            edits.append(random_edit(random, blobs))
            apply_to_index(tmp_path, edits[-1])
            trees.append(tree_of_index(tmp_path))
        db = all_objects(tmp_path, object_format)
        for rank, (edit, old, new) in enumerate(zip(edits, trees[:-1], trees[1:], strict=True)):
            assert db.edit_tree(old, [edit]) == (new, [])
            assert db.edit_tree(trees[0], edits[: rank + 1]) == (new, [])


def random_edit(random: Random, blobs: list[Oid]) -> TreeEdit:
    if random.random() < 0.25:
        return ("delete", random_path(random))
    return ("write", random_path(random), random.choice(MODES), random.choice(blobs))


def apply_to_index(path: Path, edit: TreeEdit) -> None:
    if edit[0] == "write":
        _, name, mode, oid = edit
        cacheinfo = f"{mode:o},{oid.hex()},{name.decode()}"
        git("update-index", "--add", "--replace", "--cacheinfo", cacheinfo, cwd=path)
    else:
        listed = git("ls-files", "-z", "--", f":(literal){edit[1].decode()}", cwd=path)
        no_object = b"0" * len(git("write-tree", cwd=path).strip())
        gone = b"".join(b"0 %b\t%b\0" % (no_object, name) for name in listed.split(b"\0")[:-1])
        git("update-index", "-z", "--index-info", cwd=path, stdin=gone)


def tree_of_index(path: Path) -> Oid:
    return bytes.fromhex(git("write-tree", cwd=path).decode().strip())


def written_blob(path: Path, content: bytes) -> Oid:
    return bytes.fromhex(git("hash-object", "-w", "--stdin", cwd=path, stdin=content).decode().strip())


def all_objects(path: Path, object_format: ObjectFormat) -> ObjectDb:
    """Everything in a repository, whether a ref leads there or not."""
    names = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=path)
    pack = git("pack-objects", "-q", "--stdout", cwd=path, stdin=names)
    return database([Pack.from_bytes(pack, None, object_format=object_format)], object_format)


def test_listings_have_what_ls_tree_shows(medium_repo: Path) -> None:
    db = database([open_pack(medium_repo)])
    root = bytes.fromhex(git("rev-parse", "HEAD^{tree}", cwd=medium_repo).decode().strip())
    rows, after = db.list_tree(root, recursive=True, sizes=True, after=None, limit=1 << 20)
    assert after is None
    assert len(rows) > 100
    shown = git("ls-tree", "-r", "-t", "-l", "-z", "HEAD", cwd=medium_repo).split(b"\0")[:-1]
    expected = []
    for line in shown:
        head, path = line.split(b"\t", 1)
        mode, _, oid, size = head.decode().split()
        expected.append((path, int(mode, 8), bytes.fromhex(oid), None if size == "-" else int(size)))
    assert sorted(rows, key=lambda row: row[0]) == sorted(expected, key=lambda row: row[0])
    for row in rows:
        assert db.tree_entry(root, row[0]) == row[1:3]
