"""`packhouse maintain`: packs merged, derived files made, garbage collected; by hand, while a server runs or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

import click

from core_ext import Cancel, Cancelled
from packengine.maintenance import (
    FAILURES,
    Collector,
    LeaseHeld,
    LeaseLost,
    Maintainer,
    MaintenanceLease,
    MaintenancePlan,
    MaintenanceReport,
)
from packengine.repository import Engine, Progress
from packengine.storage.ports import RepositoryMissing
from server.cli.interruptible import interruptible
from server.cli.maintenance_text import (
    collection_item,
    collection_plan_item,
    collection_plan_text,
    collection_text,
    count_text,
    plan_item,
    plan_text,
    report_item,
    report_text,
)
from server.cli.options import Invocation, data_options
from server.cli.output import print_json
from server.cli.progress import progress_reporter
from server.cli.repo import all_repositories

FAILED = 1
HELD_ELSEWHERE = 4

T = TypeVar("T")


class MaintainedElsewhere(click.ClickException):
    """Another process holds the lease."""

    exit_code = HELD_ELSEWHERE


@click.command()
@click.argument("repository_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "of_all", is_flag=True, help="Every repository.")
@click.option("--preview", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--collect/--no-collect", default=None, help="Also delete what nothing keeps.  [default: with --all]")
@data_options
@click.pass_context
def maintain(
    ctx: click.Context,
    invocation: Invocation,
    repository_ids: tuple[str, ...],
    of_all: bool,
    preview: bool,
    collect: bool | None,
) -> None:
    """Merge packs and write what makes fetches fast: reverse indexes, commit-graphs, bitmaps. Collect garbage.

    Ctrl-C stops it at any point: what is finished stays. Ends with 4 if another process maintains.
    """
    if of_all == bool(repository_ids):
        raise click.UsageError("name repositories, or give --all")
    with invocation.engine() as engine:
        ids = [record.id for record in all_repositories(engine)] if of_all else _checked(engine, repository_ids)
        collects = of_all if collect is None else collect
        round_ = MaintenanceRound(engine, ids, of_all=of_all, collects=collects, as_json=invocation.as_json)
        try:
            interruptible(round_.preview if preview else round_.run)
        except LeaseHeld as held:
            raise MaintainedElsewhere(str(held)) from held
    if round_.failures:
        ctx.exit(FAILED)


def _checked(engine: Engine, repository_ids: Sequence[str]) -> Sequence[str]:
    """Before anything is done for one of them."""
    missing = [each for each in repository_ids if engine.catalog.repository(each) is None]
    if missing:
        raise RepositoryMissing(f"no repository {missing[0]}")
    return repository_ids


class MaintenanceRound:
    """What one call of the command does.

    of_all: say nothing of repositories with nothing to do, but count them.
    """

    def __init__(self, engine: Engine, ids: Sequence[str], *, of_all: bool, collects: bool, as_json: bool) -> None:
        self._engine = engine
        self._ids = ids
        self._of_all = of_all
        self._collector = Collector(engine.parts) if collects else None
        self._maintainer = Maintainer(engine.parts)
        self._as_json = as_json
        self.failures = 0
        """What could not be done; stderr says why."""

    def run(self, cancel: Cancel) -> None:
        """Collect first: what is left out need not be merged."""
        with MaintenanceLease(self._engine.catalog).hold(cancel):
            collected = self._collect(cancel)
            reports = list(self._each(self._maintain, cancel))
        if self._as_json:
            print_json({"collection": collected, "repositories": [report_item(report) for report in reports]})
        elif self._of_all:
            click.echo(count_text(len(reports), sum(not report.is_idle for report in reports), "maintained"))

    def preview(self, cancel: Cancel) -> None:
        """Without the lease: nothing is changed."""
        collection = None
        if self._collector is not None:
            with self._progress() as progress:
                collection = self._collector.preview(progress, cancel)
        plans = list(self._each(self._plan, cancel))
        if self._as_json:
            item = collection_plan_item(collection) if collection is not None else None
            print_json({"collection": item, "repositories": [plan_item(plan) for plan in plans]})
            return
        if self._of_all:
            click.echo(count_text(len(plans), sum(not plan.is_empty for plan in plans), "to be maintained"))
        if collection is not None:
            click.echo(collection_plan_text(collection))

    def _each(self, work: Callable[[str, Cancel], T], cancel: Cancel) -> Iterator[T]:
        """Of every repository. One that fails does not keep the others from it."""
        for repository_id in self._ids:
            if cancel.is_set():
                raise Cancelled("maintenance was stopped")
            try:
                yield work(repository_id, cancel)
            except (Cancelled, LeaseLost):
                raise
            except RepositoryMissing:  # deleted meanwhile
                continue
            except FAILURES as error:
                self._failed(repository_id, error)

    def _failed(self, what: str, error: Exception) -> None:
        self.failures += 1
        click.echo(f"{what}: {error}", err=True)

    def _collect(self, cancel: Cancel) -> object:
        if self._collector is None:
            return None
        try:
            with self._progress() as progress:
                report = self._collector.collect(progress, cancel)
        except (Cancelled, LeaseLost):
            raise
        except FAILURES as error:
            self._failed("nothing collected", error)
            return None
        if not self._as_json:
            click.echo(collection_text(report))
        return collection_item(report)

    def _maintain(self, repository_id: str, cancel: Cancel) -> MaintenanceReport:
        if self._of_all and (plan := self._maintainer.plan(repository_id)).is_empty:
            return MaintenanceReport(repository_id, plan.pack_count, plan.pack_count)
        with self._progress() as progress:
            report = self._maintainer.maintain(repository_id, progress=progress, cancel=cancel)
        if not self._as_json:
            click.echo(report_text(report))
        return report

    def _plan(self, repository_id: str, _cancel: Cancel) -> MaintenancePlan:
        plan = self._maintainer.plan(repository_id)
        if not self._as_json and not (self._of_all and plan.is_empty):
            click.echo(plan_text(plan))
        return plan

    def _progress(self) -> AbstractContextManager[Progress]:
        return progress_reporter(quiet=self._as_json)
