"""What a fetch may name as patterns, and what it costs to find out that it may not."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from core_ext import Cancel
from packengine.protocol import FilterSpec, SparseOid
from packengine.refs import HiddenRefs
from packengine.repository import Engine, FetchRefused, Limits
from packengine.repository.object_filters import ObjectFilters
from packengine.repository.ref_lookup import RefLookup
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, needs, new_project, open_in_memory

MAIN = b"refs/heads/main"
LARGE = Random(1).randbytes(4_000_000)
LIMITS = replace(Limits(), max_sparse_bytes=100_000)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Patterns, as many as fit, one more than fit, and a large file beside them."""
    made = new_project(open_in_memory(tmp_path / "engine", limits=LIMITS))
    objects = made.objects
    widest = b"/" + b"a" * (LIMITS.max_sparse_bytes - 2) + b"\n"
    contents = {b"few": b"/few\n", b"large": LARGE, b"most": widest, b"too-many": widest + b"b"}
    blobs = {name: objects.blob(content) for name, content in contents.items()}
    tree = objects.tree(blobs)
    commit = objects.commit("only", tree=tree)
    made.pushed(MAIN, None, commit, tree, commit, *blobs.values())
    return made


def ask(project: Project, name: bytes) -> int:
    """How many objects a clone with this filter gets."""
    state = project.engine.load(project.id)
    asked = replace(needs(project.refs[MAIN]), filter=FilterSpec((SparseOid(name),)))
    return len(project.engine.fetches.begin(state, asked).select([], Cancel()).objects)


@pytest.mark.parametrize("start", [b"main", b"HEAD", b"refs/heads/main"])
def test_patterns_are_found_by_ref_and_path(project: Project, start: bytes) -> None:
    assert ask(project, start + b":few") == 3


def test_patterns_may_be_as_large_as_the_limit_says(project: Project) -> None:
    assert ask(project, b"main:most") == 2
    with pytest.raises(FetchRefused, match="100001 bytes, the limit is 100000"):
        ask(project, b"main:too-many")


@pytest.mark.parametrize("name", [b" " * 40, b" " * 64, b"ab " * 13 + b"a", b"f" * 40, b"f" * 64, b"f" * 64 + b":few"])
def test_what_is_almost_an_id_names_nothing(project: Project, name: bytes) -> None:
    with pytest.raises(FetchRefused, match="unable to access sparse blob"):
        ask(project, name)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_an_id_of_another_format_names_nothing(tmp_path: Path, object_format: str) -> None:
    engine: Engine = open_in_memory(tmp_path / "engine")
    engine.create_repository("project", ACTOR, object_format=object_format)
    state = engine.load("project")
    view = engine.pushes.visibility.usable(state)
    filters = ObjectFilters(view, RefLookup(state, HiddenRefs()), LIMITS, state.manifest.object_format)
    for length in (40, 64):
        with pytest.raises(FetchRefused, match="unable to access sparse blob"):
            filters.of(FilterSpec((SparseOid(b"1" * length),)))


def test_a_file_in_the_place_of_a_folder_is_not_read(project: Project) -> None:
    large = project.objects.blob(LARGE)
    tracemalloc.start()
    try:
        for name in (b"main:large/few", large.hex().encode() + b":few"):
            with pytest.raises(FetchRefused, match="unable to access sparse blob"):
                ask(project, name)
        assert tracemalloc.get_traced_memory()[1] < len(LARGE) // 4
    finally:
        tracemalloc.stop()
