"""Every fuzz target keeps to its rule for its seeds, for what fuzzing once found, and for some inputs of its mutator.

With the ordinary build: what was found once is checked wherever the tests run, without clang and without atheris.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from core_ext import CoreError, Pack
from fuzz import mutators, world
from fuzz.mutators.delta import split
from fuzz.targets import TARGETS
from tests.support import delta_twin
from tests.support.graph_files import attach
from tests.support.ingests import open_ingest

FUZZ = Path(__file__).parents[2] / "fuzz"
FOLDERS = [FUZZ / "corpus", FUZZ / "regressions"]
INPUTS = sorted(path for folder in FOLDERS for path in folder.glob("*/*"))
MAX_CORPUS_BYTES = 300_000
MUTANTS = 150


def module(name: str) -> ModuleType:
    return import_module(f"fuzz.targets.{name}")


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in INPUTS if path.parent.name == name]


def mutate_bytes(data: bytes, max_bytes: int) -> bytes:
    """In place of libFuzzer's: overwrite, insert or cut somewhere, the same each time for the same data."""
    random = Random(data)
    at = random.randint(0, len(data))
    end = at + random.randrange(4)
    return (data[:at] + random.randbytes(random.randrange(4)) + data[end:])[:max_bytes]


def mutants(name: str) -> list[bytes]:
    """A walk from mutant to mutant, begun anew now and then."""
    mutate: mutators.Mutator = module(name).mutate
    starts, random = seeds(name), Random(1)
    found = [random.choice(starts)]
    for seed in range(MUTANTS):
        data = random.choice(starts) if seed % 5 == 0 else found[-1]
        found.append(mutate(data, TARGETS[name].max_bytes, seed, mutate_bytes))
    return found[1:]


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_rule_holds_for_every_kept_input(path: Path) -> None:
    module(path.parent.name).check(path.read_bytes())


@pytest.mark.parametrize("name", ["commit_graph", "delta", "idx", "pack"])
def test_rule_holds_for_mutants(name: str) -> None:
    for data in mutants(name):
        module(name).check(data)


@pytest.mark.parametrize("name", TARGETS)
def test_rule_holds_for_nothing_at_all(name: str) -> None:
    module(name).check(b"")


def test_every_target_states_its_rule_first_and_has_seeds() -> None:
    files = {path.stem: path for path in (FUZZ / "targets").glob("[a-z]*.py")}
    assert files.keys() == TARGETS.keys()
    for name, path in files.items():
        first = path.read_text().splitlines()[0]
        assert first.startswith('"""Any ')
        assert first.endswith('."""')
        assert seeds(name)


def test_kept_inputs_belong_to_targets_and_stay_small() -> None:
    assert {path.parent.name for path in INPUTS} <= TARGETS.keys()
    assert sum(path.stat().st_size for path in INPUTS) < MAX_CORPUS_BYTES


def test_few_mutated_packs_stop_at_their_frame(tmp_path: Path) -> None:
    """Else fuzzing would see little but the errors of header and trailer."""
    packs = mutants("pack")
    verdicts = [verdict(tmp_path / "pack", pack) for pack in packs]
    frame = [text for text in verdicts if re.search(r"not a pack|pack version|the trailer is|early EOF", text)]
    assert len(frame) < MUTANTS // 5
    assert verdicts.count("taken in") > MUTANTS // 8
    assert len(set(verdicts)) > MUTANTS // 4


def verdict(path: Path, pack: bytes) -> str:
    """What ingest says of a pack."""
    ingest = open_ingest(path, max_pack_bytes=1 << 20, max_objects=1 << 10, max_object_bytes=1 << 20)
    try:
        ingest.feed(pack)
        ingest.finish(world.known())
    except CoreError as error:
        return str(error)
    return "taken in"


def test_most_mutated_idx_files_are_opened() -> None:
    def is_opened(idx: bytes) -> bool:
        try:
            Pack.from_bytes(world.pack_and_idx()[0], idx, object_format="sha1")
        except CoreError:
            return False
        return True

    assert sum(map(is_opened, mutants("idx"))) > MUTANTS // 4


def test_many_mutated_commit_graphs_are_attached() -> None:
    def is_attached(graph: bytes) -> bool:
        try:
            attach(world.history_pack(), graph)
        except CoreError:
            return False
        return True

    assert sum(map(is_attached, mutants("commit_graph"))) > MUTANTS // 8


def test_most_mutated_deltas_fit_their_base() -> None:
    def is_applied(data: bytes) -> bool:
        base, delta = split(data)
        try:
            delta_twin.apply(base, delta, max_result_bytes=1 << 17)
        except (delta_twin.BadDelta, delta_twin.TooLarge):
            return False
        return True

    assert sum(map(is_applied, mutants("delta"))) > MUTANTS // 4
