"""Refs: their names and their table."""

from packengine.refs.blocks import BlockRecord, CorruptRefBlock, RefEntry
from packengine.refs.hidden import HiddenRefs
from packengine.refs.table import RefChange, RefTable, build_table, empty_table

__all__ = [
    "BlockRecord",
    "CorruptRefBlock",
    "HiddenRefs",
    "RefChange",
    "RefEntry",
    "RefTable",
    "build_table",
    "empty_table",
]
