"""The kernel calls: what they do on this machine, and what they do where the kernel says no."""

from __future__ import annotations

import ast
import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

import packengine.kernel._files as kernel_files
from packengine.kernel import _linux, move_new, start_writeback


def pretend(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    """Let every wrapper return this errno value."""
    answer = SimpleNamespace(ph_rename_noreplace=lambda *_: error, ph_start_writeback=lambda *_: error)
    monkeypatch.setattr(kernel_files, "_linux", SimpleNamespace(lib=answer))


def test_move_new_leaves_one_name_on_the_same_file(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"pack")
    inode = source.stat().st_ino

    move_new(source, target)

    assert not source.exists()
    assert target.read_bytes() == b"pack"
    assert (target.stat().st_ino, target.stat().st_nlink) == (inode, 1)


@pytest.mark.parametrize("fall_back", [None, errno.EINVAL, errno.ENOSYS])
def test_move_new_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fall_back: int | None) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    if fall_back is not None:
        pretend(monkeypatch, fall_back)

    with pytest.raises(FileExistsError) as caught:
        move_new(source, target)

    assert {caught.value.filename, caught.value.filename2} == {str(source), str(target)}
    assert (source.read_bytes(), target.read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize("error", [errno.EINVAL, errno.ENOSYS])
def test_move_new_falls_back_to_a_link_where_the_file_system_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"pack")
    pretend(monkeypatch, error)

    move_new(source, target)

    assert not source.exists()
    assert target.read_bytes() == b"pack"


def test_move_new_names_both_paths_and_the_errno(tmp_path: Path) -> None:
    source, target = tmp_path / "none", tmp_path / "target"

    with pytest.raises(FileNotFoundError) as caught:
        move_new(source, target)

    assert caught.value.errno == errno.ENOENT
    assert (caught.value.filename, caught.value.filename2) == (str(source), str(target))


def test_a_nul_in_a_path_does_not_name_another_file(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"pack")

    with pytest.raises(ValueError, match="NUL"):
        move_new(tmp_path / "source\0tail", tmp_path / "target")

    assert not (tmp_path / "target").exists()


def test_start_writeback_takes_a_range_of_an_open_file(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb", buffering=0) as file:
        file.write(bytes(8192))
        start_writeback(file.fileno(), 0, 4096)
        start_writeback(file.fileno(), 4096, 0)


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.EINVAL, errno.ESPIPE, errno.EOPNOTSUPP])
def test_start_writeback_is_only_a_hint(monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    pretend(monkeypatch, error)
    start_writeback(0, 0, 0)


def test_start_writeback_does_not_hide_lost_data(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=r"fd 7") as caught:
        start_writeback(7, 0, 0)
    assert caught.value.errno == errno.EIO


def test_start_writeback_names_a_closed_descriptor() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.close(write_end)
    with pytest.raises(OSError, match=r"fd ") as caught:
        start_writeback(write_end, 0, 0)
    assert caught.value.errno == errno.EBADF


def test_the_stub_lists_what_the_module_has() -> None:
    stub = ast.parse(Path(kernel_files.__file__).with_name("_linux.pyi").read_text())
    declared = {node.name for node in ast.walk(stub) if isinstance(node, ast.FunctionDef)}
    assert declared == {name for name in dir(_linux.lib) if name.startswith("ph_")}
