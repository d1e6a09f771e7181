"""Filters of partial clones. Format: git-rev-list(1), "--filter"; gitprotocol-v2(5), "filter"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


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

    kind: Literal["commit", "tree", "blob", "tag"]


@dataclass(frozen=True, slots=True)
class SparseOid:
    """Blobs at paths that the patterns of a blob select. name: an id in hex, or `<ref>:<path>`."""

    name: bytes


FilterTerm: TypeAlias = BlobNone | BlobLimit | TreeDepth | ObjectType | SparseOid


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """Every term must let an object through; `combine` of `combine`s is one flat list. Wants are sent in any case."""

    terms: tuple[FilterTerm, ...]
