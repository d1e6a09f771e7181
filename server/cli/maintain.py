"""`packhouse maintain`: packs merged, derived files made, garbage collected; by hand, while a server runs or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import click

from core_ext import Cancel, Cancelled
from packengine.maintenance import LeaseHeld, Maintainer, MaintenanceLease, MaintenancePlan, MaintenanceReport
from packengine.repository import Engine
from packengine.storage.ports import RepositoryMissing
from server.cli.interruptible import interruptible
from server.cli.options import Invocation, data_options
from server.cli.output import print_json, size_text
from server.cli.progress import progress_reporter
from server.cli.repo import all_repositories

HELD_ELSEWHERE = 4


class MaintainedElsewhere(click.ClickException):
    """Another process holds the lease."""

    exit_code = HELD_ELSEWHERE


@click.command()
@click.argument("repository_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "of_all", is_flag=True, help="Every repository.")
@click.option("--preview", is_flag=True, help="Say what would be done, and do nothing.")
@data_options
def maintain(invocation: Invocation, repository_ids: tuple[str, ...], of_all: bool, preview: bool) -> None:
    """Merge packs and write what makes fetches fast: reverse indexes, commit-graphs, bitmaps.

    Ctrl-C stops it at any point: what is finished stays. Ends with 4 if another process maintains.
    """
    if of_all == bool(repository_ids):
        raise click.UsageError("name repositories, or give --all")
    with invocation.engine() as engine:
        ids = [record.id for record in all_repositories(engine)] if of_all else _checked(engine, repository_ids)
        maintainer = Maintainer(engine.parts)
        if preview:
            _print_plans(invocation, _plans(maintainer, ids))
            return
        try:
            reports = interruptible(partial(_maintain, invocation, engine, maintainer, ids))
        except LeaseHeld as held:
            raise MaintainedElsewhere(str(held)) from held
    if invocation.as_json:
        print_json([_report_item(report) for report in reports])


def _checked(engine: Engine, repository_ids: Sequence[str]) -> Sequence[str]:
    """Before anything is done for one of them."""
    missing = [each for each in repository_ids if engine.catalog.repository(each) is None]
    if missing:
        raise RepositoryMissing(f"no repository {missing[0]}")
    return repository_ids


def _maintain(
    invocation: Invocation, engine: Engine, maintainer: Maintainer, ids: Iterable[str], cancel: Cancel
) -> list[MaintenanceReport]:
    reports = []
    with MaintenanceLease(engine.catalog).hold(cancel):
        for repository_id in ids:
            if cancel.is_set():
                raise Cancelled("maintenance was stopped")
            try:
                with progress_reporter(quiet=invocation.as_json) as progress:
                    report = maintainer.maintain(repository_id, progress=progress, cancel=cancel)
            except RepositoryMissing:  # deleted meanwhile
                continue
            reports.append(report)
            if not invocation.as_json:
                click.echo(_sentence(report))
    return reports


def _plans(maintainer: Maintainer, ids: Iterable[str]) -> Iterable[MaintenancePlan]:
    for repository_id in ids:
        try:
            yield maintainer.plan(repository_id)
        except RepositoryMissing:
            continue


def _print_plans(invocation: Invocation, plans: Iterable[MaintenancePlan]) -> None:
    if invocation.as_json:
        print_json([_plan_item(plan) for plan in plans])
        return
    for plan in plans:
        todo = ":" if not plan.is_empty else ", nothing to do"
        click.echo(f"{plan.repository_id}: {_counted(plan.pack_count, 'pack')}, {plan.object_count} objects{todo}")
        for run in plan.runs:
            click.echo(f"  merge {len(run.packs)} packs of {run.object_count} objects, {size_text(run.size_bytes)}")
        for lack in plan.derivations:
            kinds = ", ".join(kind.value for kind in lack.kinds)
            click.echo(f"  write {kinds} of pack {lack.pack.digest.hex()} with {lack.pack.object_count} objects")


def _sentence(report: MaintenanceReport) -> str:
    did = [f"{report.merged_packs} packs merged"] if report.merged_packs else []
    did += [f"{_counted(report.derived_files, 'file')} written"] if report.derived_files else []
    packs = _counted(report.packs_after, "pack")
    return f"{report.repository_id}: {packs}, {', '.join(did) or 'nothing to do'}, {report.duration_s:.1f} s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _plan_item(plan: MaintenancePlan) -> dict[str, object]:
    return {
        "id": plan.repository_id,
        "packs": plan.pack_count,
        "objects": plan.object_count,
        "merges": [
            {"packs": len(run.packs), "objects": run.object_count, "sizeBytes": run.size_bytes} for run in plan.runs
        ],
        "derived": [
            {"pack": lack.pack.digest.hex(), "objects": lack.pack.object_count, "files": [k.value for k in lack.kinds]}
            for lack in plan.derivations
        ],
    }


def _report_item(report: MaintenanceReport) -> dict[str, object]:
    return {
        "id": report.repository_id,
        "packsBefore": report.packs_before,
        "packsAfter": report.packs_after,
        "mergedPacks": report.merged_packs,
        "mergedObjects": report.merged_objects,
        "derivedFiles": report.derived_files,
        "durationMs": round(report.duration_s * 1000, 1),
    }
