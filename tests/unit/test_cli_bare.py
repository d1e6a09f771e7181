"""import, export and fsck: a bare repository in, checked, and out again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.cli.output import size_text
from server.cli.progress import Lines
from tests.support.repositories import assert_same_repository


def run(data_dir: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--data-dir", str(data_dir)])


@pytest.fixture(scope="module")
def imported(small_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the small repository as `real`. Not to be changed: copy it."""
    data_dir = tmp_path_factory.mktemp("imported") / "data"
    result = run(data_dir, "import", small_repo, "--id", "real")
    assert (result.exit_code, result.stdout) == (0, "real\n"), result.output
    return data_dir


def test_export_of_an_import_is_the_same_repository(imported: Path, small_repo: Path, tmp_path: Path) -> None:
    result = run(imported, "export", "real", tmp_path / "out.git")
    assert result.exit_code == 0, result.output
    assert_same_repository(small_repo, tmp_path / "out.git")


def test_export_into_a_folder_with_content_is_refused(imported: Path, tmp_path: Path) -> None:
    (tmp_path / "keep").write_text("me")
    result = run(imported, "export", "real", tmp_path)
    assert result.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


def test_import_without_id_prints_the_one_it_made_up(small_repo: Path, tmp_path: Path) -> None:
    made = run(tmp_path / "data", "import", small_repo, "--json")
    repository_id = json.loads(made.stdout)["id"]
    assert run(tmp_path / "data", "fsck", repository_id).exit_code == 0


def test_import_of_no_repository_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "data", "import", tmp_path / "empty").exit_code == 1
    assert run(tmp_path / "data", "repo", "list").stdout == ""


def test_fsck_of_all_names_each_repository(imported: Path) -> None:
    result = run(imported, "fsck")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("real: ")
    assert result.stdout.endswith(" objects, 0 problems\n")


def test_fsck_ends_with_3_on_damage(medium_repo: Path, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert run(data_dir, "import", medium_repo, "--id", "real").exit_code == 0  # too large for a catalog row
    blobs = [path for path in (data_dir / "blobs").rglob("*") if path.is_file()]
    largest = max(blobs, key=lambda path: path.stat().st_size)
    largest.chmod(0o644)
    damaged = bytearray(largest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    largest.write_bytes(damaged)
    result = run(data_dir, "fsck", "real", "--json")
    assert result.exit_code == 3, result.output
    assert json.loads(result.stdout)[0]["problems"]


def test_progress_without_a_terminal_is_a_line_a_phase(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for done in range(5):
        lines.report("Reading objects", done, 4)
    lines.report("Writing", 1, None)
    lines.finish()
    lines.finish()
    assert capsys.readouterr().err == "Reading objects: 4\nWriting: 1\n"


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (3 << 40, "3.0 TiB"),
        (5 << 50, "5120.0 TiB"),
    ],
)
def test_sizes_have_a_unit(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text
