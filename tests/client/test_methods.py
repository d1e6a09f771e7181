"""Both clients have the same methods, and together with a few exceptions these are all routes."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from packhouse_client import AsyncClient, Client
from packhouse_client._call import Request
from tests.support.rest import rest_application

FOR_OTHERS = {
    "documentation.document",
    "documentation.page",
    "documentation.page_asset",
    "health.ready",
    "metrics.scrape",
}
"""Routes for browsers, probes and scrapers."""

SOME: dict[str, Any] = {"str": "refs/heads/main", "int": 1, "Sequence[Rule]": []}


def groups(client: Any) -> Iterator[tuple[str, Any]]:
    for parent, name in ((client, "client"), (client.repo("some-id"), "repo")):
        if name == "repo":
            yield name, parent
        for attribute, value in vars(parent).items():
            if not attribute.startswith("_"):
                yield f"{name}.{attribute}", value


def methods(client: Any) -> dict[str, tuple[Callable[..., Any], str]]:
    """What each method was made of, and the path that it begins with."""
    return {
        f"{name}.{attribute}": (inspect.unwrap(value), group._base)
        for name, group in groups(client)
        for attribute, value in vars(type(group)).items()
        if hasattr(value, "__wrapped__")
    }


def request_of(describe: Callable[..., Any], base: str) -> Request:
    _, *parameters = inspect.signature(describe).parameters.values()
    given = [SOME[each.annotation] for each in parameters if each.default is each.empty]
    request = describe(base, *given).request
    assert isinstance(request, Request)
    return request


def test_both_clients_have_the_same_methods() -> None:
    assert methods(Client("http://x")) == methods(AsyncClient("http://x"))


def test_every_method_says_what_it_does() -> None:
    assert [name for name, (describe, _) in methods(Client("http://x")).items() if not describe.__doc__] == []


def test_every_route_has_a_method(tmp_path: Path) -> None:
    with rest_application(tmp_path) as app:
        routes = app.url_map.bind("git.test")
    reached = set()
    for describe, base in methods(Client("http://x")).values():
        request = request_of(describe, base)
        reached.add(routes.match(request.path, method=request.method)[0])
    assert {rule.endpoint for rule in app.url_map.iter_rules()} - FOR_OTHERS == reached
