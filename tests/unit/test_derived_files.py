"""Derived files given to handles: at once if they are there, later if another process makes them, at no cost else."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from core_ext import Pack
from packengine.repository import derived as derived_module
from packengine.repository.derived import DerivedFolder, DerivedKind
from tests.support.raw_packs import BLOB, entry, pack_of

LONG_AGO_S = 1_000_000_000
DIGEST = bytes(32)


class Clock:
    """Stands for the module `time`: a monotonic clock to be set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def time_ns(self) -> int:
        return (LONG_AGO_S + 10) * 1_000_000_000


class Handles:
    """What is open; counts how often it is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Iterable[tuple[bytes, Pack]]:
        self.asked += 1
        return ()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(derived_module, "time", clock)
    return clock


def changed_at(folder: Path, time_s: float) -> None:
    os.utime(folder, ns=(0, int(time_s * 1_000_000_000)))


def test_open_handles_are_looked_through_only_when_the_folder_has_changed(tmp_path: Path, clock: Clock) -> None:
    folder, handles = DerivedFolder(tmp_path, 1), Handles()
    asked = []
    for changed_s in (LONG_AGO_S, LONG_AGO_S, LONG_AGO_S + 1, LONG_AGO_S + 1):
        changed_at(tmp_path, changed_s)
        clock.now_s += derived_module._LOOK_EVERY_S
        folder.attach_new(handles)
        asked.append(handles.asked)
    assert asked == [1, 1, 2, 2]


def test_the_folder_is_looked_at_only_every_few_seconds(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, handles = DerivedFolder(tmp_path, 1), Handles()
    changed_at(tmp_path, LONG_AGO_S)
    folder.attach_new(handles)
    changed_at(tmp_path, LONG_AGO_S + 1)
    clock.now_s += derived_module._LOOK_EVERY_S - 0.1
    with monkeypatch.context() as unreadable:
        unreadable.setattr(Path, "stat", lambda _: pytest.fail("looked at"))
        folder.attach_new(handles)
    clock.now_s += 0.1
    folder.attach_new(handles)
    assert handles.asked == 2


def test_a_change_of_just_now_is_looked_for_again_since_another_may_bear_the_same_time(
    tmp_path: Path, clock: Clock
) -> None:
    folder, handles = DerivedFolder(tmp_path, 1), Handles()
    just_now_s = clock.time_ns() / 1_000_000_000 - 0.5
    for _ in range(3):
        changed_at(tmp_path, just_now_s)
        clock.now_s += derived_module._LOOK_EVERY_S
        folder.attach_new(handles)
    assert handles.asked == 3


def test_nothing_is_looked_for_where_packs_are_too_small_to_have_it(tmp_path: Path) -> None:
    pack = Pack.from_bytes(pack_of([entry(BLOB, b"alone")]), None, object_format="sha1")
    path = DerivedFolder(tmp_path, 2).path(DIGEST, DerivedKind.REV)
    path.write_bytes(pack.rev_bytes())
    DerivedFolder(tmp_path, 2).attach(DIGEST, pack)
    assert not pack.has_rev
    DerivedFolder(tmp_path, 1).attach(DIGEST, pack)
    assert pack.has_rev


def test_a_file_of_another_pack_is_removed_and_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pack, other = (
        Pack.from_bytes(pack_of([entry(BLOB, content)]), None, object_format="sha1") for content in (b"one", b"two")
    )
    folder = DerivedFolder(tmp_path, 1)
    path = folder.path(DIGEST, DerivedKind.REV)
    path.write_bytes(other.rev_bytes())
    folder.attach(DIGEST, pack)
    assert not pack.has_rev
    assert not path.exists()
    assert [record.message for record in caplog.records] == ["removed a derived file"]


def test_a_good_file_that_took_the_place_of_a_damaged_one_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = Pack.from_bytes(pack_of([entry(BLOB, b"content")]), None, object_format="sha1")
    folder = DerivedFolder(tmp_path, 1)
    path = folder.path(DIGEST, DerivedKind.REV)
    path.write_bytes(b"damaged")

    def attach_while_it_is_made_again(pack: Pack, path_read: str) -> None:
        try:
            pack.attach_rev(path_read)
        finally:
            (tmp_path / "made").write_bytes(pack.rev_bytes())
            (tmp_path / "made").replace(path)

    with monkeypatch.context() as racing:
        racing.setitem(derived_module._ATTACH, DerivedKind.REV, attach_while_it_is_made_again)
        folder.attach(DIGEST, pack)
    assert not pack.has_rev
    folder.attach(DIGEST, pack)
    assert pack.has_rev
