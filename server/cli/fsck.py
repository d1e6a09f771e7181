"""`packhouse fsck`: whether what is stored is what was published."""

from __future__ import annotations

import click

from server.cli.options import Invocation, data_options
from server.cli.output import print_json
from server.cli.progress import progress_reporter
from server.cli.repo import all_repositories

FOUND_PROBLEMS = 3


@click.command()
@click.argument("repository_id", metavar="[ID]", required=False)
@data_options
@click.pass_context
def fsck(ctx: click.Context, invocation: Invocation, repository_id: str | None) -> None:
    """Read every object of a repository, or of all, and check it and what it refers to.

    Ends with 3 if there are problems.
    """
    reports = {}
    with invocation.engine() as engine:
        ids = [record.id for record in all_repositories(engine)] if repository_id is None else [repository_id]
        for each in ids:
            with progress_reporter(quiet=invocation.as_json) as progress:
                reports[each] = engine.verify_repository(each, progress=progress)
    if invocation.as_json:
        print_json([{"id": each, "objects": r.objects, "problems": list(r.problems)} for each, r in reports.items()])
    else:
        for each, report in reports.items():
            problems = f"{len(report.problems)} problem{'' if len(report.problems) == 1 else 's'}"
            click.echo(f"{each}: {report.objects} objects, {problems}")
            for problem in report.problems:
                click.echo(f"  {problem}")
    if any(report.problems for report in reports.values()):
        ctx.exit(FOUND_PROBLEMS)
