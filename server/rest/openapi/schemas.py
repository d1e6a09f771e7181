"""The JSON schemas of all types that routes take, give and answer errors with."""

from __future__ import annotations

from collections.abc import Iterable
from types import UnionType
from typing import Any, get_args

import msgspec

from packhouse_client.types.errors import ERRORS
from server.rest.operations import Binary, Operation

Json = dict[str, Any]

_PLACE = "#/components/schemas/{name}"


class Schemas:
    """Schemas by type; those of structs are references to `components`."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        kinds: list[Any] = sorted({kind.body for kind in ERRORS.values()}, key=lambda body: body.__name__)
        for noted in operations:
            kinds += [kind for kind in (noted.body, noted.query) if kind is not None]
            kinds += [part for kind in noted.answers.values() if not isinstance(kind, Binary) for part in _parts(kind)]
        found, components = msgspec.json.schema_components(kinds, ref_template=_PLACE)
        # By their text, which names them wholly: not every type can be hashed.
        self._by_text = {repr(kind): schema for kind, schema in zip(kinds, found, strict=True)}
        self.components = {name: _without_indents(schema) for name, schema in sorted(components.items())}
        for code, kind in ERRORS.items():
            told = {"properties": {"code": {"const": code}}, "description": kind.meaning}
            self.components[_error_name(code)] = {"allOf": [self.of(kind.body), told]}

    def of(self, kind: Any) -> Json:
        """The schema of a type that one of the operations uses."""
        found = [self._by_text[repr(part)] for part in _parts(kind)]
        return found[0] if len(found) == 1 else {"anyOf": found}

    @staticmethod
    def of_error(code: str) -> Json:
        """The schema of what an envelope with this code holds."""
        return {"$ref": _PLACE.format(name=_error_name(code))}

    def fields_of(self, kind: type[msgspec.Struct]) -> Json:
        """The schema of a struct itself, where a reference to it would not do."""
        fields: Json = self.components[self.of(kind)["$ref"].rpartition("/")[2]]
        return fields


def _error_name(code: str) -> str:
    return f"error.{code}"


def _parts(kind: Any) -> tuple[Any, ...]:
    """The members of a union: msgspec takes none of structs that bear no tags. Nothing for None."""
    if kind is None:
        return ()
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _without_indents(schema: Json) -> Json:
    """A docstring's first line has no indent, the others have that of the code."""
    if "description" not in schema:
        return schema
    lines = [line.strip() for line in schema["description"].splitlines()]
    return {**schema, "description": "\n".join(lines).strip()}
