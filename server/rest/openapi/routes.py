"""The routes of an application, each with what is noted of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from quart import Quart

from server.rest.operations import Operation, operation_of

_ARGUMENT = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_UNSAID_METHODS = frozenset({"HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Route:
    """A path and a method, and what is noted of them."""

    rule: str
    method: str
    endpoint: str
    handler: Callable[..., Any]
    operation: Operation

    @property
    def path(self) -> str:
        """The rule as OpenAPI writes it."""
        return _ARGUMENT.sub(r"{\1}", self.rule)

    @property
    def arguments(self) -> list[str]:
        """The names in the path, in order."""
        return _ARGUMENT.findall(self.rule)


def routes(app: Quart) -> Iterator[Route]:
    """All routes, by path and method. Raises LookupError for one without `@operation`."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        handler = app.view_functions[rule.endpoint]
        noted = operation_of(handler)
        if noted is None:
            raise LookupError(f"{rule.rule} ({rule.endpoint}) has no @operation")
        for method in sorted((rule.methods or set()) - _UNSAID_METHODS):
            yield Route(rule.rule, method, rule.endpoint, handler, noted)
