"""A fuzz run is believed only if it ended well and saw native code."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from fuzz import runner
from fuzz.targets import TARGETS

GOOD_LOG = """INFO: Seed: 1
INFO: Loaded 4 modules   (30510 inline 8-bit counters): 2468 [0x7f, 0x7f),
#16\tINITED cov: 396 ft: 940 corp: 11/391b exec/s: 0 rss: 67Mb
#4096\tpulse  cov: 420 ft: 1000 corp: 20/700b lim: 80 exec/s: 2048 rss: 70Mb
#5509\tDONE   cov: 428 ft: 1251 corp: 131/2831b lim: 80 exec/s: 3454 rss: 71Mb
"""
GOOD = runner.Run(TARGETS["pktline"], seconds=20, log=GOOD_LOG, status=0)


def test_good_run_has_no_complaint() -> None:
    assert GOOD.complaint is None
    assert (GOOD.inputs, GOOD.coverage, GOOD.native_counters, GOOD.found) == (5509, 428, 30510, [])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"status": 77}, "ended with status 77"),
        ({"status": None}, "did not end in time"),
        ({"log": ""}, "is something not instrumented"),
        ({"log": GOOD_LOG.replace("cov: 396", "cov: 96").replace("cov: 4", "cov: ")}, "is something not instrumented"),
        ({"log": GOOD_LOG.replace("Loaded 4", "No")}, "with 0 counters in native code"),
    ],
    ids=["found", "stuck", "silent", "few-edges", "python-only"],
)
def test_run_that_proves_nothing_is_refused(change: dict[str, object], complaint: str) -> None:
    said = dataclasses.replace(GOOD, **change).complaint  # type: ignore[arg-type]  # by field name
    assert said is not None
    assert complaint in said


def test_failure_is_told_with_its_fault_and_both_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runner, "FOUND", tmp_path)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    fault = " === Uncaught Python exception: ===\nAssertionError: it broke\n"
    log = f"{GOOD_LOG}{fault}artifact_prefix='x'; Test unit written to {tmp_path}/pktline-crash-1\n"
    assert runner.report([GOOD, dataclasses.replace(GOOD, status=77, log=log)]) == 1
    said = capsys.readouterr().out
    assert "=== pktline ended with status 77" in said
    assert "AssertionError: it broke" in said
    assert "INITED" not in said
    assert "fuzz/run --replay pktline pktline-crash-1" in said
    assert "install -D -m 644 pktline-crash-1 fuzz/regressions/pktline/" in said


def test_seconds_may_be_left_out() -> None:
    assert runner.parse(["pack"]).seconds == runner.SECONDS_PER_TARGET
    assert runner.parse(["7"]).targets == list(TARGETS)
    both = runner.parse(["7", "pack", "idx"])
    assert (both.seconds, both.targets) == (7, ["pack", "idx"])


def test_unknown_target_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.parse(["nothing"])
    assert "no target nothing; there are pktline," in capsys.readouterr().err
