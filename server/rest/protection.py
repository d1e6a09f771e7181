"""Rules for the refs of a repository: read, and set as a whole."""

from __future__ import annotations

from quart import Blueprint, Response

from packengine.refs.rules import BadRefPattern, RefRule, check_pattern
from packengine.storage.ports import RepositoryRecord
from packhouse_client.types.protection import Protection, Rule
from server.limits import RateClass
from server.rest.access import access_to
from server.rest.body import answer, decoded
from server.rest.context import services
from server.rest.errors import bad_request
from server.rest.operations import operation
from server.rest.writes import body_or_error

protection = Blueprint("protection", __name__)

_ROUTE = "/v1/repos/<repository_id>/protection"


@protection.get(_ROUTE)
@operation(answer=Protection, tag="protection")
async def read_rules(repository_id: str) -> Response:
    """The rules for refs, in the order in which they were set."""
    _, check = access_to(repository_id, RateClass.READ)
    return answer(_told(await services().run(check)))


@protection.put(_ROUTE)
@operation(answer=Protection, body=Protection, tag="protection")
async def set_rules(repository_id: str) -> Response:
    """Set all rules in the place of those that were there. They hold for the very next ref that is to move."""
    _, check = access_to(repository_id, RateClass.COMMIT)
    body = await body_or_error()
    engine = services().engine

    def work() -> RepositoryRecord:
        record = check()
        rules = tuple(_checked(rule) for rule in decoded(body, Protection).rules)
        if any(rule.signed_only for rule in rules) and engine.pushes.policy.certificates is None:
            raise bad_request("signedOnly: this server knows no keys, so that nobody could push")
        return engine.catalog.update_repository(record.id, rules=rules, first_version=record.first_version)

    return answer(_told(await services().run(work)))


def _checked(rule: Rule) -> RefRule:
    try:
        check_pattern(rule.pattern)
    except BadRefPattern as error:
        raise bad_request(str(error)) from error
    pushers = None if rule.pushers is None else tuple(rule.pushers)
    return RefRule(rule.pattern, rule.deny_deletion, rule.deny_force, pushers, rule.signed_only)


def _told(record: RepositoryRecord) -> Protection:
    return Protection([_rule(rule) for rule in record.rules])


def _rule(rule: RefRule) -> Rule:
    pushers = None if rule.pushers is None else list(rule.pushers)
    return Rule(rule.pattern, rule.deny_deletion, rule.deny_force, pushers, rule.signed_only)
