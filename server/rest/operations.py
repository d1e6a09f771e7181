"""What a route takes and gives, said beside it: for the OpenAPI document. Nothing of it changes what the route does.

quart-schema would say it too, but it also wants to read requests and to check answers by itself: at a point of its own
choosing, before access is checked, and with errors that are not ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "packhouse_operation"


class Binary:
    """An answer of octets, of one of these media types."""

    def __init__(self, *media_types: str) -> None:
        self.media_types = media_types


@dataclass(frozen=True, slots=True)
class Operation:
    """What the document says of a route, beside what its docstring and its path say.

    answer: a type that msgspec knows, or Binary, or a mapping of statuses to those, with None for no body.
    headers: those of the answer that mean something to clients. errors: the codes that are not of every route of its
    kind. public: needs no credentials. reads: needs none where the repository is public.
    """

    answer: Any
    body: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    headers: tuple[str, ...]
    errors: tuple[str, ...]
    tag: str
    public: bool
    reads: bool

    @property
    def answers(self) -> Mapping[int, Any]:
        """What comes with each status other than those of errors."""
        return self.answer if isinstance(self.answer, Mapping) else {200: self.answer}


def operation(
    *,
    answer: Any,
    tag: str,
    body: type[msgspec.Struct] | None = None,
    query: type[msgspec.Struct] | None = None,
    headers: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
    public: bool = False,
    reads: bool = False,
) -> Callable[[F], F]:
    """Note what a handler takes and gives; written under the route's own decorator. For the names see Operation."""
    noted = Operation(answer, body, query, headers, errors, tag, public, reads)

    def note(handler: F) -> F:
        setattr(handler, _ATTRIBUTE, noted)
        return handler

    return note


def operation_of(handler: Callable[..., Any]) -> Operation | None:
    """What was noted of a handler."""
    found: Operation | None = getattr(handler, _ATTRIBUTE, None)
    return found
