"""Refs: their names and their table."""

from packengine.refs.blocks import BlockRecord, CorruptRefBlock, RefEntry
from packengine.refs.hidden import HiddenRefs
from packengine.refs.listing import Peeling
from packengine.refs.table import RefChange, RefTable, build_table, empty_table

__all__ = [
    "BlockRecord",
    "CorruptRefBlock",
    "HiddenRefs",
    "Peeling",
    "RefChange",
    "RefEntry",
    "RefTable",
    "build_table",
    "empty_table",
]
