"""Leaf blocks of the ref table, byte by byte. Format: docs/formats.md, "Ref blocks"."""

def find_entry(block: bytes, start: int, oid_len: int, name: bytes) -> tuple[int, bool] | None:
    """(where its oid lies, whether a peeled one follows) of the entry of that name; None if there is none.

    start: of the first entry. What comes before the entry is checked: ValueError.
    """

def decode_entries(block: bytes, start: int, oid_len: int) -> list[tuple[bytes, bytes, bytes | None]]:
    """(name, oid, peeled or None) of every entry, in order. Raises ValueError for a block that is cut short."""

def peeled_between(block: bytes, start: int, oid_len: int, low: bytes, high: bytes | None) -> list[tuple[bytes, bytes]]:
    """(oid, peeled) of each entry that is peeled, from the name `low` to before the name `high` (None: to the end).

    Raises ValueError for a block that is cut short.
    """

def values_of(block: bytes, start: int, oid_len: int) -> set[bytes]:
    """The set of all oids in the block. Raises ValueError for a block that is cut short."""
