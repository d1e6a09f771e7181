"""What `fuzz/run` does: build, run each target in a process of its own, tell what was found and how to see it again."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz.native_build import BUILD, ROOT, BuildFailed, build, install_atheris
from fuzz.targets import TARGETS, Target

SECONDS_PER_TARGET = 20
SEED = 20_050_407
UNIT_TIMEOUT_S = 10
RSS_LIMIT_MB = 1024
MALLOC_LIMIT_MB = 32
"""No target allows as much in one piece: a length that is believed before it is checked shows here."""

GRACE_S = 120
"""What a target may take beyond its time: to import, to read its corpus, to minimise what it found."""

FOLDER = ROOT / "fuzz"
FOUND = FOLDER / "found"


@dataclass(frozen=True)
class Run:
    """How a target's run went."""

    target: Target
    seconds: float
    log: str
    status: int | None
    """None if it had to be stopped."""

    @property
    def coverage(self) -> int:
        """Edges reached in the end."""
        return max(map(int, re.findall(r"^#\d+\s.*\bcov: (\d+)", self.log, re.MULTILINE)), default=0)

    @property
    def native_counters(self) -> int:
        """Counters that came with native modules; those of instrumented Python are not among them."""
        pattern = r"^INFO: Loaded \d+ modules +\((\d+) inline 8-bit counters\)"
        return sum(map(int, re.findall(pattern, self.log, re.MULTILINE)))

    @property
    def inputs(self) -> int:
        """Inputs tried."""
        return max(map(int, re.findall(r"^#(\d+)\s", self.log, re.MULTILINE)), default=0)

    @property
    def found(self) -> list[str]:
        """Files with inputs that broke the rule."""
        return re.findall(r"Test unit written to (\S+)", self.log)

    @property
    def complaint(self) -> str | None:
        """What is wrong, if anything."""
        if self.status is None:
            return "did not end in time"
        if self.status != 0:
            return f"ended with status {self.status}"
        if not self.native_counters or self.coverage < self.target.min_coverage:
            reached = f"reached {self.coverage} edges, {self.target.min_coverage} are expected"
            return f"{reached}, with {self.native_counters} counters in native code: is something not instrumented?"
        return None


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit status."""
    options = parse(arguments)
    try:
        tools = install_atheris()
        started = time.monotonic()
        site = build()
    except BuildFailed as error:
        say(str(error))
        return 1
    say(f"built in {time.monotonic() - started:.0f} s: {site.relative_to(ROOT)}")
    environment = fuzzing_environment(site, tools)
    if options.replay:
        return replay(options.replay[0], options.replay[1:], environment)
    runs = run_all([TARGETS[name] for name in options.targets], options.seconds, environment)
    return report(runs)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Seconds may be left out before the names of targets."""
    parser = argparse.ArgumentParser(prog="fuzz/run", description="Fuzz each target for a short while.")
    parser.add_argument("--replay", nargs="+", metavar=("TARGET", "FILE"), help="run single inputs, instrumented")
    parser.add_argument("words", nargs="*", metavar="[SECONDS_PER_TARGET] [TARGET...]")
    options = parser.parse_args(arguments)
    words = list(options.words)
    options.seconds = int(words.pop(0)) if words and words[0].isdecimal() else SECONDS_PER_TARGET
    options.targets = words or list(TARGETS)
    unknown = {*options.targets, *(options.replay or [])[:1]} - TARGETS.keys()
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    return options


def fuzzing_environment(site: Path, tools: Path) -> dict[str, str]:
    """Instrumented modules first, the tree last, libFuzzer's runtime before Python, and memory that is watched."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (site, tools, ROOT))),
        "PYTHONSAFEPATH": "1",  # or `-m` would put the tree in front
        "PYTHONMALLOC": "malloc",  # so that AddressSanitizer sees the ends of bytes objects
        "PYTHONHASHSEED": "0",
        "RUST_BACKTRACE": "0",  # a panic says where it was, and the frames are Python's for the most part
        "LD_PRELOAD": str(tools / "asan_with_fuzzer.so"),
        "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=0",
    }


def run_all(targets: list[Target], seconds: int, environment: dict[str, str]) -> list[Run]:
    """One target a core at a time."""
    FOUND.mkdir(exist_ok=True)
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(lambda target: run(target, seconds, environment), targets))


def run(target: Target, seconds: int, environment: dict[str, str]) -> Run:
    """Fuzz one target. New inputs of interest are kept in fuzz/build, and tried again next time."""
    kept = BUILD / "corpus" / target.name
    kept.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-seed={SEED}",
        f"-max_len={target.max_bytes}",
        f"-artifact_prefix={FOUND}/{target.name}-",
        *limits(),
        *dictionary(target),
        *map(str, (kept, *seed_folders(target))),
    ]
    started = time.monotonic()
    status, log = harness(target.name, options, environment, timeout_s=seconds + GRACE_S)
    done = Run(target, time.monotonic() - started, log, status)
    say(f"{target.name}: {done.inputs} inputs, {done.coverage} edges, {done.seconds:.0f} s")
    return done


def seed_folders(target: Target) -> list[Path]:
    """What is tried first: seeds, and what was found once. Git keeps no empty folders, libFuzzer wants none missing."""
    folders = [FOLDER / kind / target.name for kind in ("corpus", "regressions")]
    return [folder for folder in folders if folder.is_dir()]


def limits() -> list[str]:
    """What an input may cost."""
    bounds = {"timeout": UNIT_TIMEOUT_S, "rss_limit_mb": RSS_LIMIT_MB, "malloc_limit_mb": MALLOC_LIMIT_MB}
    return [f"-{name}={value}" for name, value in bounds.items()]


def dictionary(target: Target) -> list[str]:
    """The words of the target's format, if it has any."""
    path = FOLDER / "dictionaries" / f"{target.name}.dict"
    return [f"-dict={path}"] if path.exists() else []


def harness(
    name: str, options: list[str], environment: dict[str, str], *, timeout_s: int | None
) -> tuple[int | None, str]:
    """(status or None if it was stopped, what it said)."""
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as scratch:
        command = [sys.executable, "-m", "fuzz.harness", name, "-print_funcs=0", *options]
        with subprocess.Popen(
            command,
            cwd=scratch,
            env={**environment, "TMPDIR": scratch},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                said, _ = process.communicate(timeout=timeout_s)
                status: int | None = process.returncode
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
                status = None
    return status, said.decode(errors="replace")


def replay(name: str, files: list[str], environment: dict[str, str]) -> int:
    """Run single inputs and show all that is said about them."""
    paths = [str(Path(file).absolute()) for file in files]
    status, log = harness(name, [*limits(), *paths], environment, timeout_s=None)
    say(log)
    return 1 if status else 0


def report(runs: list[Run]) -> int:
    """Tell what was found, and how to run it again. Returns the exit status."""
    failed = [run for run in runs if run.complaint]
    for run in failed:
        log = FOUND / f"{run.target.name}.log"
        log.write_text(run.log)
        say(f"\n=== {run.target.name} {run.complaint}\n{excerpt(run.log)}")
        say(f"all of it: {log.relative_to(ROOT)}")
        for file in run.found:
            shown = shlex.quote(str(Path(file).relative_to(ROOT)))
            say(f"replay:    fuzz/run --replay {run.target.name} {shown}")
            say(f"keep it:   install -D -m 644 {shown} fuzz/regressions/{run.target.name}/what-was-wrong")
    return 1 if failed else 0


def excerpt(log: str, *, lines: int = 20) -> str:
    """Where a log begins to speak of a fault, or its end."""
    fault = re.search(r"^.*( panicked at |=== Uncaught Python exception|ERROR: |ALARM: )", log, re.MULTILINE)
    if fault is None:
        return "\n".join(log.splitlines()[-lines:])
    return "\n".join(log[fault.start() :].splitlines()[:lines])


def say(text: str) -> None:
    """At once, whatever standard output is."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
