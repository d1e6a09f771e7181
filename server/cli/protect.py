"""`packhouse protect`: rules for refs."""

from __future__ import annotations

from collections.abc import Sequence

import click

from packhouse_client.types.protection import Rule
from server.cli.output import print_table, print_wire
from server.cli.target import Target, target_options


@click.group()
def protect() -> None:
    """Say who may do what to which refs."""


@protect.command()
@click.argument("repository_id", metavar="ID")
@target_options
def show(target: Target, repository_id: str) -> None:
    """Show the rules of a repository."""
    with target.client() as client:
        _print_rules(target, client.repo(repository_id).protection.show().rules)


@protect.command("set")
@click.argument("repository_id", metavar="ID")
@click.argument("pattern", metavar="PATTERN")
@click.option("--deny-deletion", is_flag=True, help="They cannot be deleted.")
@click.option("--deny-force", is_flag=True, help="They only move forward.")
@click.option("--pusher", "pushers", multiple=True, help="Only this subject may move them; repeatable.")
@click.option("--signed-only", is_flag=True, help="Only pushes with a verified signature move them.")
@target_options
def set_rule(
    target: Target,
    repository_id: str,
    pattern: str,
    deny_deletion: bool,
    deny_force: bool,
    pushers: tuple[str, ...],
    signed_only: bool,
) -> None:
    """Set the rule for the refs that PATTERN matches, as 'refs/heads/release/*'; the others stay."""
    if not (deny_deletion or deny_force or pushers or signed_only):
        raise click.UsageError("say what to forbid: --deny-deletion, --deny-force, --pusher or --signed-only")
    rule = Rule(pattern, deny_deletion, deny_force, list(pushers) or None, signed_only)
    with target.client() as client:
        protection = client.repo(repository_id).protection
        others = [each for each in protection.show().rules if each.pattern != pattern]
        _print_rules(target, protection.replace([*others, rule]).rules)


@protect.command()
@click.argument("repository_id", metavar="ID")
@click.argument("pattern", metavar="PATTERN")
@target_options
def remove(target: Target, repository_id: str, pattern: str) -> None:
    """Remove the rule with this pattern."""
    with target.client() as client:
        protection = client.repo(repository_id).protection
        rules = protection.show().rules
        others = [each for each in rules if each.pattern != pattern]
        if len(others) == len(rules):
            raise click.ClickException(f"{repository_id} has no rule for {pattern!r}")
        _print_rules(target, protection.replace(others).rules)


def _print_rules(target: Target, rules: Sequence[Rule]) -> None:
    if target.as_json:
        print_wire(rules)
        return
    print_table(("PATTERN", "DENIED", "PUSHERS"), [(rule.pattern, _denied(rule), _pushers(rule)) for rule in rules])


def _denied(rule: Rule) -> str:
    denied = {"deletion": rule.deny_deletion, "force": rule.deny_force, "unsigned": rule.signed_only}
    return ", ".join(name for name, is_denied in denied.items() if is_denied) or "-"


def _pushers(rule: Rule) -> str:
    return "all" if rule.pushers is None else ", ".join(rule.pushers)
