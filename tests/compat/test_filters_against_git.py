"""Filters let through what `git rev-list --filter` lists; several of them, what Git lists for each of them alone.

Git treats a want as any other object if its walk comes by it before; here wants are wants. So Git is asked for one want
at a time, or what it left out of the wants is added.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import ObjectFilter
from tests.support import tangled_repository
from tests.support.git import git
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import Kind, ObjectFormat

SEEDS = range(2)
ROUNDS = 6
KINDS: list[Kind] = ["commit", "tree", "blob", "tag"]
SPARSE = [
    b"",
    b"a",
    b"/a",
    b"a/",
    b"/*\n!/*/\n/a/\n!/a/*/\n",
    b"*.c\n!deep/\n",
    b"/\n!a.c\n",
    b"*\n!/b/\n/b/a/\n",
    b"**/deep/*\n!**/b/**\n",
    b"/**/m/\r\n!a\r",
    b"a/**/[!a]\n[[:alpha:]].c\n\\ y\n  \n",
    b"# comment\n\\!no\nx\\*\nc.?/\n!*/a/?\n",
    b"\xef\xbb\xbf/a/b\n*b*/m\n",
    b"a/b\n  \n!deep\n",
    b"\r\n!b/\r\n",
    b"/\n! \n/b/*",
]
COMPONENTS = [
    b"a",
    b"b",
    b"m",
    b"deep",
    b"c.d",
    b"a.c",
    b"*",
    b"**",
    b"?",
    b"a*",
    b"*b",
    b"*.?",
    b"[ab]",
    b"[^a]*",
    rb"\a",
]
"""`a**` is not here: in Git 2.39 it goes across slashes by mistake, which was mended since."""


class Repository:
    """A bare repository with Git's and our own view of it."""

    def __init__(self, path: Path, object_format: ObjectFormat) -> None:
        self.path = path
        self.db = database([open_pack(path, object_format)], object_format)
        self.commits = git("rev-list", "--all", cwd=path).decode().split()
        self.tags = git("for-each-ref", "--format=%(objectname)", "refs/tags", cwd=path).decode().split()
        self.objects = git("rev-list", "--objects", "--no-object-names", "--all", cwd=path).decode().split()
        self.sparse = [(self.blob(text), text) for text in SPARSE]

    def listed(self, wants: list[str], haves: list[str], *specs: str) -> set[str]:
        """What Git lists."""
        revs = "\n".join([*wants, *(f"^{have}" for have in haves)]).encode()
        filters = [f"--filter={spec}" for spec in specs]
        command = ("rev-list", "--objects", "--no-object-names", *filters, "--stdin")
        return set(git(*command, cwd=self.path, stdin=revs).decode().split())

    def selected(self, wants: list[str], haves: list[str], *filters: ObjectFilter) -> set[str]:
        """What we select."""
        objects, _ = self.db.select(raw(wants), raw(haves), filters=filters)
        return {oid.hex() for oid in objects.oids(limit=1 << 20)}

    def named(self, wants: list[str]) -> set[str]:
        """The wants, and tags' targets down the chain."""
        chain = {oid.hex() for oid in self.db.tag_chain(raw(wants)).oids(limit=1 << 20)}
        return {*wants, *chain, *(self.db.peel(want)[1].hex() for want in raw(wants))}

    def blob(self, text: bytes) -> str:
        """Store a blob for Git."""
        return git("hash-object", "-w", "--stdin", cwd=self.path, stdin=text).decode().strip()


def any_patterns(random: Random) -> bytes:
    """Lines of a sparse-checkout file."""
    lines = []
    for _ in range(random.randint(1, 5)):
        names = b"/".join(random.choices(COMPONENTS, k=random.choice([1, 1, 2, 2, 3, 4])))
        sign, root, end = random.choice([b"", b"", b"!"]), random.choice([b"", b"/"]), random.choice([b"", b"/", b" "])
        lines.append(sign + root + names + end + b"\n")
    return b"".join(lines)


def raw(oids: list[str]) -> list[bytes]:
    return [bytes.fromhex(oid) for oid in oids]


@pytest.fixture(scope="module", params=[*(("sha1", seed) for seed in SEEDS), ("sha256", 9)], ids=str)
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    object_format, seed = request.param
    path = tmp_path_factory.mktemp("git") / "repo.git"
    return Repository(tangled_repository.build(path, seed=seed, object_format=object_format), object_format)


def any_term(repository: Repository, random: Random) -> tuple[str, ObjectFilter]:
    """One term as Git spells it, and as ours."""
    kind, limit, depth = random.choice(KINDS), random.choice([0, 1, 2, 7, 100, 1024]), random.randrange(6)
    sparse_oid, patterns = random.choice(repository.sparse)
    return random.choice(
        [
            ("blob:none", ObjectFilter.blob_none()),
            (f"blob:limit={limit}", ObjectFilter.blob_limit(limit)),
            (f"tree:{depth}", ObjectFilter.tree_depth(depth)),
            (f"object:type={kind}", ObjectFilter.object_type(kind)),
            (f"sparse:oid={sparse_oid}", ObjectFilter.sparse(patterns)),
        ]
    )


def every_term(repository: Repository) -> list[tuple[str, ObjectFilter]]:
    terms = [("blob:none", ObjectFilter.blob_none())]
    terms += [(f"blob:limit={size}", ObjectFilter.blob_limit(size)) for size in (0, 1, 2, 3, 64, 65, 4096)]
    terms += [(f"tree:{depth}", ObjectFilter.tree_depth(depth)) for depth in range(8)]
    terms += [(f"object:type={kind}", ObjectFilter.object_type(kind)) for kind in KINDS]
    return terms + [(f"sparse:oid={oid}", ObjectFilter.sparse(patterns)) for oid, patterns in repository.sparse]


def test_each_filter_lets_through_what_git_s_does(repository: Repository) -> None:
    for spec, term in every_term(repository):
        tips = repository.commits[:1]
        assert repository.selected(tips, [], term) == repository.listed(tips, [], spec), spec


def test_patterns_match_as_git_s(repository: Repository) -> None:
    random = Random(0)
    for _ in range(4 * ROUNDS):
        patterns, tips = any_patterns(random), [repository.commits[0], *random.choices(repository.commits, k=1)]
        term = ObjectFilter.sparse(patterns)
        expected = repository.listed(tips, [], f"sparse:oid={repository.blob(patterns)}")
        assert repository.selected(tips, [], term) == expected, patterns


def test_wants_of_any_kind_are_sent_with_what_git_sends_for_each(repository: Repository) -> None:
    random = Random(1)
    for _ in range(2 * ROUNDS):
        spec, term = any_term(repository, random)
        wants = random.sample([*repository.objects, *repository.tags * 3], 3)
        expected = set().union(*(repository.listed([want], [], spec) for want in wants))
        assert repository.selected(wants, [], term) == expected, (spec, wants)


def test_haves_bound_a_filtered_answer_as_git_s(repository: Repository) -> None:
    random = Random(2)
    for _ in range(4 * ROUNDS):
        spec, term = any_term(repository, random)
        wants, haves = random.sample(repository.commits, 2), random.sample(repository.commits, random.randint(1, 2))
        wanted = repository.named(wants) & repository.listed(wants, haves)
        expected = repository.listed(wants, haves, spec) | wanted
        assert repository.selected(wants, haves, term) == expected, (spec, wants, haves)


def test_no_filter_lets_through_less_than_git_or_anything_beside_the_answer(repository: Repository) -> None:
    random = Random(3)
    for _ in range(4 * ROUNDS):
        terms = [any_term(repository, random) for _ in range(random.randint(1, 3))]
        wants, haves = (random.sample([*repository.objects, *repository.tags * 3], 3) for _ in range(2))
        selected = repository.selected(wants, haves, *(term for _, term in terms))
        least = repository.listed(wants, haves, *(spec for spec, _ in terms))
        assert least <= selected <= repository.listed(wants, haves), (terms, wants, haves)


def test_several_filters_let_through_what_each_does_alone(repository: Repository) -> None:
    random = Random(4)
    for _ in range(2 * ROUNDS):
        terms = [any_term(repository, random) for _ in range(random.randint(2, 3))]
        wants, haves = random.sample(repository.commits, 2), random.sample(repository.commits, random.randrange(2))
        wanted = repository.named(wants) & repository.listed(wants, haves)
        alone = [repository.listed(wants, haves, spec) for spec, _ in terms]
        expected = reduce(set.intersection, alone) | wanted
        assert repository.selected(wants, haves, *(term for _, term in terms)) == expected, (terms, wants, haves)


def test_a_filtered_pack_has_as_many_objects_as_git_s(repository: Repository) -> None:
    for spec, term in every_term(repository)[::3]:
        revs = "\n".join([*repository.commits[:1], "--not", *repository.commits[9:11], ""]).encode()
        plain = ("-c", "pack.useSparse=false", "-c", "pack.useBitmaps=false")  # both may leave more out, or less
        pack = git(
            *plain, "pack-objects", "-q", "--revs", "--stdout", f"--filter={spec}", cwd=repository.path, stdin=revs
        )
        selected = repository.selected(repository.commits[:1], repository.commits[9:11], term)
        assert len(selected) == int.from_bytes(pack[8:12], "big"), spec
