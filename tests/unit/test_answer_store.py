"""Answers as files: one builder at a time, nothing unfinished under a name, nothing of another boot."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from packengine.repository.answers import AnswerStore, CorruptEntry, EntryReader, Part, PartElsewhere
from packengine.repository.answers import store as store_module
from tests.support.answers import KEY, PIECES, claimed, entry_paths, fill, keep, read_rest
from tests.support.child import child_command

OTHER = bytes(32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


@pytest.fixture
def store(folder: Path) -> AnswerStore:
    return AnswerStore(folder, 1 << 30)


def opened(store: AnswerStore, key: bytes = KEY) -> list[bytes] | None:
    reader = store.open(key)
    return None if reader is None else read_rest(reader)


def elsewhere(store: AnswerStore) -> PartElsewhere:
    part = store.claim(KEY)
    assert isinstance(part, PartElsewhere)
    return part


def end(part: Part) -> None:
    part.abandon()
    part.close()


def test_what_was_kept_is_found_by_every_store_of_the_folder(store: AnswerStore, folder: Path) -> None:
    assert opened(store) is None
    keep(store)
    for each in (store, AnswerStore(folder, 1 << 30)):
        assert opened(each) == PIECES
        found = each.claim(KEY)
        assert isinstance(found, EntryReader)
        found.close()
    assert list((next(folder.iterdir()) / "parts").iterdir()) == []


def test_an_unfinished_part_is_no_entry(store: AnswerStore, folder: Path) -> None:
    part = claimed(store)
    part.begin(7)
    part.append(PIECES[0])
    assert opened(store) is None
    end(part)
    assert opened(store) is None
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_others_read_along_and_go_on_after_the_end(store: AnswerStore) -> None:
    part = claimed(store)
    watched = elsewhere(store)
    reader = watched.open()
    assert not reader.begin()
    fill(part)
    assert watched.has_builder()
    store.publish(KEY, part, 1_000_000)
    end(part)
    assert not watched.has_builder()
    assert reader.begin()
    assert read_rest(reader) == PIECES
    watched.close()


def test_a_builder_knows_of_those_who_wait_elsewhere(store: AnswerStore) -> None:
    part = claimed(store)
    assert not part.is_awaited()
    watched = elsewhere(store)
    assert part.is_awaited()
    watched.close()
    assert not part.is_awaited()
    end(part)


def test_a_dead_builders_part_is_built_anew_and_its_readers_are_left_alone(store: AnswerStore) -> None:
    dead = claimed(store)
    watched = elsewhere(store)
    dead.begin(7)
    dead.append(PIECES[0])
    dead.close()  # as the end of its process does: the lock goes, the file stays
    assert not watched.has_builder()
    reader = watched.open()
    assert reader.begin()
    keep(store, pieces=[b"other bytes"])
    assert reader.read() == PIECES[0]
    assert reader.read() is None
    assert opened(store) == [b"other bytes"]
    reader.close()
    watched.close()


def test_a_killed_process_leaves_no_lock(store: AnswerStore, folder: Path) -> None:
    command = child_command("tests.support.killed_builder", folder)
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (left,) = folder.rglob("*.part")
    assert left.stat().st_size
    keep(store)
    assert opened(store) == PIECES


def test_what_is_built_faster_than_a_file_pays_is_not_kept(store: AnswerStore, folder: Path) -> None:
    keep(store, build_us=store_module.MIN_BUILD_US - 1)
    assert entry_paths(folder) == []
    keep(store, build_us=store_module.MIN_BUILD_US)
    assert len(entry_paths(folder)) == 1


@pytest.mark.parametrize("damage", ["cut", "end", "empty"])
def test_a_damaged_entry_is_dropped_when_it_is_opened(store: AnswerStore, folder: Path, damage: str) -> None:
    keep(store)
    (path,) = entry_paths(folder)
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-1], "end": data[:-1] + b"?", "empty": b""}[damage])
    assert opened(store) is None
    assert entry_paths(folder) == []
    assert store.stats().corrupt == 1
    keep(store)
    assert opened(store) == PIECES


def test_only_the_damaged_file_is_dropped_not_the_one_that_took_its_place(store: AnswerStore, folder: Path) -> None:
    keep(store)
    reader = store.open(KEY)
    assert reader is not None
    entry_paths(folder)[0].unlink()
    keep(store)
    store.drop(KEY, reader, CorruptEntry("found late"))
    reader.close()
    assert opened(store) == PIECES


def test_nothing_of_another_boot_is_found(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = AnswerStore(folder, 1 << 30)
    keep(store)
    boot = tmp_path / "boot_id"
    boot.write_text("another boot\n")
    monkeypatch.setattr(store_module, "_BOOT_ID", boot)
    after = AnswerStore(folder, 1 << 30)
    assert opened(after) is None
    after.sweep()
    assert list(folder.iterdir()) == []


def test_without_a_boot_id_nothing_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert AnswerStore.open_folder(folder, 0) is None
    assert AnswerStore.open_folder(folder, 1) is not None
    monkeypatch.setattr(store_module, "_BOOT_ID", folder / "nowhere")
    assert AnswerStore.open_folder(folder, 1) is None


def test_a_sweep_takes_what_nobody_works_on_and_nothing_else(store: AnswerStore, folder: Path) -> None:
    keep(store, OTHER)
    dead = claimed(store)
    dead.begin(7)
    dead.close()
    alive = claimed(store, b"\1" * 32)
    store.sweep()
    assert [path.name for path in folder.rglob("*.part")] == [f"{'01' * 32}.part"]
    assert opened(store, OTHER) == PIECES
    end(alive)


def test_after_clear_nothing_is_found_and_nothing_begun_before_is_kept(store: AnswerStore, folder: Path) -> None:
    keep(store, OTHER)
    reader = store.open(OTHER)
    assert reader is not None
    part = claimed(store)
    store.clear()
    fill(part)
    with pytest.raises(FileNotFoundError):
        store.publish(KEY, part, 1_000_000)
    end(part)
    assert read_rest(reader) == PIECES
    assert opened(store) is None
    assert opened(store, OTHER) is None
    assert entry_paths(folder) == []


def test_a_builder_whose_part_was_taken_from_it_does_not_take_that_of_the_next(store: AnswerStore) -> None:
    robbed = claimed(store)
    store.clear()
    part = claimed(store)
    end(robbed)
    fill(part)
    store.publish(KEY, part, 1_000_000)
    end(part)
    assert opened(store) == PIECES


def test_a_folder_that_was_deleted_is_made_again(store: AnswerStore, folder: Path) -> None:
    keep(store)
    for path in sorted(folder.rglob("*"), reverse=True):
        (path.rmdir if path.is_dir() else path.unlink)()
    assert opened(store) is None
    keep(store)
    assert opened(store) == PIECES
