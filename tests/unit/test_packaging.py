"""The three distributions fit each other, and what is not there says so at import."""

import importlib.metadata
import inspect
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import core_ext
import packengine
import packhouse_client
from packengine import _native

ROOT = Path(__file__).parents[2]
PACKAGES = ("packengine", "server")


def folder_of(package: str) -> Path:
    return Path(inspect.getfile(importlib.import_module(package))).parent


def settings(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text())


def test_every_version_is_the_one_that_cargo_defines() -> None:
    defined = settings("core_ext/Cargo.toml")["workspace"]["package"]["version"]
    project = settings("pyproject.toml")["project"]
    assert {f"packhouse-core-ext=={defined}", f"packhouse-client=={defined}"} <= set(project["dependencies"])
    modules = (core_ext, packengine, packhouse_client)
    assert {project["version"], *(module.__version__ for module in modules)} == {defined}
    distributions = ("packhouse", "packhouse-core-ext", "packhouse-client")
    assert {importlib.metadata.version(name) for name in distributions} == {defined}


def test_crates_share_the_workspace_version() -> None:
    manifests = list(ROOT.glob("core_ext/crates/*/Cargo.toml"))
    assert manifests
    assert all(settings(str(path))["package"]["version"] == {"workspace": True} for path in manifests)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package(package: str) -> None:
    """A folder without `__init__.py` would be missing from the wheel, and nobody would notice in the source tree."""
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_installed_files_are_those_of_the_tree(package: str) -> None:
    installed = folder_of(package)
    kinds = {".py", ".pyi", ".sql", ".typed", ".html", ".js"}
    files = {path.relative_to(ROOT / package) for path in (ROOT / package).rglob("*") if path.suffix in kinds}
    assert Path("__init__.py") in files
    assert {path for path in files if not (installed / path).exists()} == set()


@pytest.mark.parametrize("package", [*PACKAGES, "core_ext", "packhouse_client"])
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert (folder_of(package) / "py.typed").exists()


def test_native_modules_all_have_stubs() -> None:
    sources = [*ROOT.glob("packengine/**/*.pyx"), *ROOT.glob("packengine/**/_build.py")]
    stubs = {path.with_suffix("").name for path in ROOT.glob("packengine/**/*.pyi")}
    assert {path.stem for path in sources if path.suffix == ".pyx"} <= stubs
    assert "_linux" in stubs


def test_setup_py_stays_short() -> None:
    assert len((ROOT / "setup.py").read_text().splitlines()) <= 15


def test_missing_native_module_names_itself_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "packengine.pktline", None)
    with pytest.raises(ImportError, match=r"packengine\.pktline: .*make dev"):
        _native.check()


def test_core_of_another_version_is_refused_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ModuleType("core_ext")
    other.__version__ = "0.0.9"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "core_ext", other)
    with pytest.raises(ImportError, match=r"core_ext is 0\.0\.9, packengine .*make dev"):
        _native.check()


def test_readme_shows_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "pip install ./core_ext ./client . && packhouse serve" in readme
    assert "pip install ./core_ext ./client '.[test]' && pytest" in readme


def test_changelog_knows_this_version() -> None:
    heading = re.search(r"^## \[?([\w.]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heading is not None
    assert heading[1] in {packengine.__version__, "Unreleased"}
