"""A partial clone's filter, as the compiled core takes it."""

from __future__ import annotations

import hashlib
from binascii import Error, unhexlify
from collections.abc import Sequence
from dataclasses import dataclass

from core_ext import ObjectDb, ObjectFilter, parse_commit, parse_tree
from packengine.manifests import OID_LENGTHS
from packengine.protocol import (
    BlobLimit,
    BlobNone,
    FilterSpec,
    FilterTerm,
    ObjectFormat,
    ObjectType,
    SparseOid,
    TreeDepth,
)
from packengine.repository.errors import FetchRefused
from packengine.repository.limits import Limits
from packengine.repository.ref_lookup import RefLookup


@dataclass(frozen=True, slots=True)
class NamedFilter:
    """One term. Terms of one name let the same objects through, in whichever repository."""

    name: bytes
    filter: ObjectFilter


class ObjectFilters:
    """Makes filters for one fetch: what a sparse filter names is read with the eyes of that fetch (design, law 8)."""

    def __init__(self, objects: ObjectDb, refs: RefLookup, limits: Limits, object_format: ObjectFormat) -> None:
        self._objects = objects
        self._refs = refs
        self._limits = limits
        self._object_format = object_format

    def of(self, spec: FilterSpec) -> Sequence[NamedFilter]:
        """One for each term. Raises FetchRefused if a sparse filter names nothing that can be had."""
        return [self._filter(term) for term in spec.terms]

    def _filter(self, term: FilterTerm) -> NamedFilter:
        match term:
            case BlobNone():
                return NamedFilter(b"blob:none", ObjectFilter.blob_none())
            case BlobLimit(limit_bytes):
                return NamedFilter(b"blob:limit=%d" % limit_bytes, ObjectFilter.blob_limit(limit_bytes))
            case TreeDepth(depth):
                return NamedFilter(b"tree:%d" % depth, ObjectFilter.tree_depth(depth))
            case ObjectType(kind):
                return NamedFilter(b"object:type=%b" % kind.encode(), ObjectFilter.object_type(kind))
            case SparseOid(name):
                return self._sparse(name)

    def _sparse(self, name: bytes) -> NamedFilter:
        """By its patterns: what it was called is this repository's own business."""
        oid = self._named_blob(name)
        header = self._objects.header(oid) if oid is not None else None
        shown = name.decode("utf-8", "replace")
        if oid is None or header is None or header[0] != "blob":
            raise FetchRefused(f"unable to access sparse blob in '{shown}'")
        if header[1] > self._limits.max_sparse_bytes:
            raise FetchRefused(
                f"sparse blob '{shown}' has {header[1]} bytes, the limit is {self._limits.max_sparse_bytes}"
            )
        patterns = self._objects.read(oid)[1]
        try:
            filter_ = ObjectFilter.sparse(patterns, max_bytes=self._limits.max_sparse_bytes)
        except ValueError as error:
            raise FetchRefused(f"unable to parse sparse filter data in {oid.hex()}: {error}") from error
        return NamedFilter(b"sparse:" + hashlib.sha256(patterns).digest(), filter_)

    def _named_blob(self, name: bytes) -> bytes | None:
        """`<oid>`, or `<oid or ref>:<path>`."""
        start, colon, path = name.partition(b":")
        oid = self._named_object(start)
        if not colon or oid is None:
            return oid
        return self._at_path(oid, path)

    def _named_object(self, name: bytes) -> bytes | None:
        if len(name) == 2 * OID_LENGTHS[self._object_format]:
            try:
                oid = unhexlify(name)
            except Error:
                pass
            else:
                return oid if self._objects.contains(oid) else None
        return next(iter(self._refs.expand(name)), None)

    def _at_path(self, oid: bytes, path: bytes) -> bytes | None:
        tree = self._tree_of(oid)
        *folders, name = path.split(b"/")
        for folder in folders:
            tree = self._entry(tree, folder)
        return self._entry(tree, name)

    def _tree_of(self, oid: bytes) -> bytes | None:
        kind, peeled = self._objects.peel(oid)
        if kind != "commit":
            return peeled
        return parse_commit(self._objects.read(peeled)[1], object_format=self._object_format)[0]

    def _entry(self, tree: bytes | None, name: bytes) -> bytes | None:
        header = self._objects.header(tree) if tree is not None else None
        if tree is None or header is None or header[0] != "tree":  # before it is read: a blob may be of any size
            return None
        entries = parse_tree(self._objects.read(tree)[1], object_format=self._object_format)
        return next((oid for _, entry_name, oid in entries if entry_name == name and self._objects.contains(oid)), None)
