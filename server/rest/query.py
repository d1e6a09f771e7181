"""Values of the query string."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from quart import request

from server.rest.errors import bad_request

_SHOWN_CHARACTERS = 32

T = TypeVar("T", bound=msgspec.Struct)


def read_query(kind: type[T]) -> T:
    """The query string as a value of `kind`; parameters that `kind` does not have are ignored.

    Of a parameter that is there twice the first counts. Raises ApiError 400, naming the parameter.
    """
    values = request.args.to_dict()
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise bad_request(_sentence(str(error), values)) from error


def _sentence(message: str, values: dict[str, str]) -> str:
    """msgspec says where as a path at the end: "Expected `int` >= 0 - at `$.limit`"."""
    reason, _, path = message.partition(" - at `$.")
    name = path.rstrip("`")
    if name not in values:
        return f"query: {reason}"
    return f"query: {name}={values[name][:_SHOWN_CHARACTERS]!r}: {reason}"
