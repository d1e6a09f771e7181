"""More of `packhouse repo`: what changes a repository as a whole, and what brings back how it was."""

from __future__ import annotations

from itertools import islice

import click

from packhouse_client.types.history import PastStateAnswer, PublishItem
from server.cli.output import print_facts, print_table, print_wire, time_text
from server.cli.repo import print_made
from server.cli.target import Target, target_options

_at = click.option("--at", help="As they were then: 2026-11-21T20:00:00Z, or milliseconds since 1970.")
_manifest = click.option("--manifest", help="As they were in this state, from `repo history`.")


@click.command()
@click.argument("repository_id", metavar="ID")
@target_options
def undelete(target: Target, repository_id: str) -> None:
    """Bring back a repository that was deleted lately, and print a new token."""
    with target.client() as client:
        print_made(target, client.repo(repository_id).undelete())


@click.command()
@click.argument("repository_id", metavar="ID")
@click.option("--description", help="What it is for.")
@click.option("--default-branch", help="The branch that HEAD names.")
@click.option("--read-only/--writable", default=None, help="Whether pushes are refused, whatever the token.")
@click.option("--public/--private", "is_public", default=None, help="Whether anybody may read it.")
@target_options
def update(
    target: Target,
    repository_id: str,
    description: str | None,
    default_branch: str | None,
    read_only: bool | None,
    is_public: bool | None,
) -> None:
    """Change what is given; the rest stays."""
    visibility = None if is_public is None else "public" if is_public else "private"
    with target.client() as client:
        told = client.repo(repository_id).update(
            description=description,
            default_branch=default_branch,
            read_only=read_only,
            visibility=visibility,  # type: ignore[arg-type]  # one of the two
        )
    if target.as_json:
        print_wire(told)


@click.command("history")
@click.argument("repository_id", metavar="ID")
@_at
@_manifest
@click.option("-n", "--max-count", type=click.IntRange(1), default=50, show_default=True, help="So many at most.")
@target_options
def history(target: Target, repository_id: str, at: str | None, manifest: str | None, max_count: int) -> None:
    """List what was published, newest first; or, with --at or --manifest, the refs as they were."""
    with target.client() as client:
        repository = client.repo(repository_id)
        if at is None and manifest is None:
            _print_publishes(target, list(islice(repository.history(page=max_count), max_count)))
        else:
            _print_states(target, list(repository.state_pages(at=at, manifest=manifest)))


@click.command()
@click.argument("repository_id", metavar="ID")
@_at
@_manifest
@click.option("--ref", "refs", multiple=True, help="Only this ref, by its full name; repeatable.  [default: all]")
@target_options
def restore(target: Target, repository_id: str, at: str | None, manifest: str | None, refs: tuple[str, ...]) -> None:
    """Let refs stand for what they stood for then."""
    if (at is None) == (manifest is None):
        raise click.UsageError("give one of --at and --manifest")
    with target.client() as client:
        made = client.repo(repository_id).restore(at=at, manifest=manifest, refs=refs or None)
    if target.as_json:
        print_wire(made)
        return
    print_table(("REF", "WAS", "IS"), [(each.ref, each.before or "-", each.after or "-") for each in made.restored])


def _print_publishes(target: Target, items: list[PublishItem]) -> None:
    if target.as_json:
        print_wire(items)
        return
    rows = [
        (time_text(item.at // 1000), item.kind, item.actor or "-", str(len(item.changes)), item.manifest)
        for item in items
    ]
    print_table(("AT", "KIND", "ACTOR", "REFS", "MANIFEST"), rows)


def _print_states(target: Target, pages: list[PastStateAnswer]) -> None:
    first, refs = pages[0], [ref for page in pages for ref in page.refs]
    if target.as_json:
        print_wire({"manifest": first.manifest, "at": first.at, "defaultBranch": first.default_branch, "refs": refs})
        return
    facts = [("manifest", first.manifest), ("at", time_text(first.at // 1000)), ("HEAD", first.default_branch)]
    print_facts([*facts, *((ref.name, ref.sha) for ref in refs)])
