"""Builds the native modules with coverage counters in them, into a folder that stands in front of `sys.path`.

Rust goes through cargo with LLVM's SanitizerCoverage pass, which stable Rust can be told to run; Cython and C go
through clang. Nothing that counts is linked in: the callbacks are found in atheris's runtime when a module is loaded.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "fuzz" / "build"
SITE = BUILD / "site"
TOOLS = BUILD / "tools"

CALLBACK = "__sanitizer_cov_8bit_counters_init"
"""What a module with counters calls when it is loaded, and no other module has among its symbols."""

_SOURCES = [
    "setup.py",
    "fuzz/native_build.py",
    "core_ext/Cargo.*",
    "core_ext/**/*.rs",
    "packengine/**/*.pyx",
    "packengine/**/*.pxd",
    "packengine/kernel/_build.py",
]
_RUST_FLAGS = [
    "-Cpasses=sancov-module",
    "-Ccodegen-units=1",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
]
_C_FLAGS = "-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link"


class BuildFailed(Exception):
    """The instrumented modules could not be made. The message says why."""


def build() -> Path:
    """The folder with instrumented modules of the current sources; built only if those have changed."""
    stamp, fingerprint = BUILD / "fingerprint", _fingerprint()
    if not stamp.exists() or stamp.read_text() != fingerprint:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(SITE, ignore_errors=True)
        _build_rust()
        _build_c()
        stamp.write_text(fingerprint)
    _copy_python()
    for module in sorted(SITE.rglob("*.so")):
        _check_counters(module)
    return SITE


def install_atheris() -> Path:
    """The folder in which atheris is, of the version that pyproject.toml asks for in its extra `fuzz`."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    stamp, wanted = TOOLS / "wanted", "\n".join(extras["fuzz"])
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(TOOLS, ignore_errors=True)
        _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(TOOLS), *extras["fuzz"])
        stamp.write_text(wanted)
    return TOOLS


def _fingerprint() -> str:
    """Changes with the sources and the tools that compile them."""
    digest = hashlib.sha256(sys.version.encode())
    for tool in (["rustc", "-vV"], ["clang", "--version"], [sys.executable, "-m", "cython", "--version"]):
        digest.update(_run(*tool))
    files = {path for pattern in _SOURCES for path in ROOT.glob(pattern) if "target" not in path.parts}
    for path in sorted(files):
        digest.update(b"%b\0%b\0" % (bytes(path), hashlib.sha256(path.read_bytes()).digest()))
    return digest.hexdigest()


def _build_rust() -> None:
    """Optimised, with every check that a release leaves out: an overflow is a panic here."""
    host = next(line[6:] for line in _run("rustc", "-vV").decode().splitlines() if line.startswith("host: "))
    target_dir = Path(os.environ.get("CARGO_TARGET_DIR", BUILD / "target")).absolute()
    target = host.replace("-", "_")
    settings = {
        "CARGO_BUILD_TARGET": host,  # keeps the flags away from build scripts and procedural macros
        "CARGO_TARGET_DIR": str(target_dir),
        "CARGO_PROFILE_RELEASE_LTO": "off",
        "CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS": "true",
        "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS": "true",
        "RUSTFLAGS": " ".join(_RUST_FLAGS),
        "PYO3_PYTHON": sys.executable,
        f"CC_{target}": "clang",
        f"CFLAGS_{target}": _C_FLAGS,
    }
    _run("cargo", "build", "--release", "--locked", "--quiet", cwd=ROOT / "core_ext", settings=settings)
    _copy_tree(ROOT / "core_ext" / "python" / "core_ext", SITE / "core_ext")
    shutil.copy(target_dir / host / "release" / "libcore_ext.so", SITE / "core_ext" / "_core.abi3.so")


def _build_c() -> None:
    """Run setup.py on a copy of the sources, so that neither C files nor modules appear in the tree."""
    shutil.copytree(
        ROOT / "packengine", SITE / "packengine", ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__")
    )
    shutil.copy(ROOT / "setup.py", SITE)
    settings = {
        "CC": "clang",
        "CFLAGS": f"{_C_FLAGS} -Wno-unused-command-line-argument",
        "LDSHARED": "clang -shared",
        "DIST_EXTRA_CONFIG": os.devnull,
    }
    folders = ["--build-temp", str(BUILD / "temp"), "--build-lib", str(BUILD / "lib")]
    _run(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", *folders, cwd=SITE, settings=settings)


def _copy_python() -> None:
    """Python needs no building, so it is always that of the tree."""
    _copy_tree(ROOT / "packengine", SITE / "packengine")
    _copy_tree(ROOT / "core_ext" / "python" / "core_ext", SITE / "core_ext")


def _copy_tree(source: Path, destination: Path) -> None:
    for path in source.rglob("*.py"):
        copy = destination / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def _check_counters(module: Path) -> None:
    """A module that lost its counters would be fuzzed blindly, and nothing else would tell."""
    if CALLBACK.encode() not in _run("nm", "-D", "--undefined-only", str(module)):
        raise BuildFailed(f"{module}: has no coverage counters ({CALLBACK} is not among its symbols)")


def _run(*command: str, cwd: Path = ROOT, settings: dict[str, str] | None = None) -> bytes:
    environment = {**os.environ, **(settings or {})}
    try:
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise BuildFailed(f"{command[0]} is needed, and is not on PATH") from error
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise BuildFailed(f"{' '.join(command)}: status {done.returncode}\n{said}")
    return done.stdout
