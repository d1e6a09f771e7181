"""Filters of partial clones. Format: git-rev-list(1), "--filter"; gitprotocol-v2(5), "filter".

A combination is percent-encoded anew at each level, so that a nested one is decoded once for each level above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._limits import WireLimits
from packengine.protocol._numbers import parse_scaled_number

_Kind: TypeAlias = Literal["commit", "tree", "blob", "tag"]


@dataclass(frozen=True, slots=True)
class BlobNone:
    """No blobs."""


@dataclass(frozen=True, slots=True)
class BlobLimit:
    """Blobs of fewer than so many bytes."""

    limit_bytes: int


@dataclass(frozen=True, slots=True)
class TreeDepth:
    """Trees and blobs less deep than this: a commit's own tree has depth 0."""

    depth: int


@dataclass(frozen=True, slots=True)
class ObjectType:
    """Objects of one kind."""

    kind: _Kind


@dataclass(frozen=True, slots=True)
class SparseOid:
    """Blobs at paths that the patterns of a blob select. name: an id in hex, or `<ref>:<path>`."""

    name: bytes


FilterTerm: TypeAlias = BlobNone | BlobLimit | TreeDepth | ObjectType | SparseOid


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """Every term must let an object through; `combine` of `combine`s is one flat list. Wants are sent in any case."""

    terms: tuple[FilterTerm, ...]


_COMBINE = b"combine:"
_MAX_DEPTH = 0xFFFF_FFFF
"""No tree is as deep as this: whatever is deeper means the same, and fits into what the walk counts with."""

_RESERVED = re.compile(rb"""[\x00-\x20\x80-\xff~`!@#$^&*()\[\]{}\\;'",<>?]""")
_ENCODED_BYTE = re.compile(rb"%(?!00)([0-9a-fA-F]{2})")
"""A NUL stays encoded, as in Git."""

_KINDS: Final[dict[bytes, _Kind]] = {
    b"commit": "commit",
    b"tree": "tree",
    b"blob": "blob",
    b"tag": "tag",
}


def parse_filter_spec(text: bytes, limits: WireLimits | None = None) -> FilterSpec:
    """The terms of a filter, those of combinations in one list. Raises RemoteProtocolError, in Git's words."""
    limits = limits or WireLimits()
    if len(text) > limits.max_filter_bytes:
        raise RemoteProtocolError(f"a filter-spec of {len(text)} bytes, more than {limits.max_filter_bytes}")
    terms: list[FilterTerm] = []
    for term in _terms(text, 0, limits.max_filter_nesting):
        terms.append(term)
        if len(terms) > limits.max_filter_terms:
            raise RemoteProtocolError(f"a filter-spec of more than {limits.max_filter_terms} terms")
    return FilterSpec(tuple(terms))


def _terms(text: bytes, nesting: int, max_nesting: int) -> Iterator[FilterTerm]:
    if not text.startswith(_COMBINE):
        yield _parse_term(text)
    elif nesting == max_nesting:
        raise RemoteProtocolError(f"a filter-spec of more than {max_nesting} combinations inside one another")
    elif text == _COMBINE:
        raise RemoteProtocolError("expected something after combine:")
    else:
        for part in filter(None, text.removeprefix(_COMBINE).split(b"+")):
            yield from _terms(_decode(part), nesting + 1, max_nesting)


def _decode(part: bytes) -> bytes:
    reserved = _RESERVED.search(part)
    if reserved is not None:
        raise RemoteProtocolError(b"must escape char in sub-filter-spec: '%b'" % shown(reserved.group()))
    return _ENCODED_BYTE.sub(lambda encoded: bytes.fromhex(encoded.group(1).decode()), part)


def _parse_term(text: bytes) -> FilterTerm:
    if text == b"blob:none":
        return BlobNone()
    for prefix, parse in _VALUED.items():
        if text.startswith(prefix):
            return parse(text.removeprefix(prefix))
    raise _invalid(text)


def _invalid(text: bytes) -> RemoteProtocolError:
    return RemoteProtocolError(b"invalid filter-spec '%b'" % shown(text))


def _blob_limit(value: bytes) -> BlobLimit:
    limit_bytes = parse_scaled_number(value)
    if limit_bytes is None:
        raise _invalid(b"blob:limit=" + value)
    return BlobLimit(limit_bytes)


def _tree_depth(value: bytes) -> TreeDepth:
    depth = parse_scaled_number(value)
    if depth is None:
        raise RemoteProtocolError("expected 'tree:<depth>'")
    return TreeDepth(min(depth, _MAX_DEPTH))


def _object_type(value: bytes) -> ObjectType:
    if value not in _KINDS:
        raise RemoteProtocolError(b"'%b' for 'object:type=<type>' is not a valid object type" % shown(value))
    return ObjectType(_KINDS[value])


def _no_sparse_path(_: bytes) -> FilterTerm:
    raise RemoteProtocolError("sparse:path filters support has been dropped")


_VALUED: dict[bytes, Callable[[bytes], FilterTerm]] = {
    b"blob:limit=": _blob_limit,
    b"tree:": _tree_depth,
    b"object:type=": _object_type,
    b"sparse:oid=": SparseOid,
    b"sparse:path=": _no_sparse_path,
}
