# cython: language_level=3, auto_pickle=False, autotestdict=False
"""Leaf blocks of the ref table, byte by byte. Format: docs/formats.md, "Ref blocks".

    entry     length of the name (2 bytes), whether it is peeled (1), name, oid, the peeled oid if there is one

A push reads and writes one of some 300 refs: found in place, that takes a microsecond; with every ref an object of
Python's it took longer than the rest of the push's own work.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE


def find_entry(bytes block not None, Py_ssize_t start, Py_ssize_t oid_len, bytes name not None):
    """(where its oid lies, whether a peeled one follows) of the entry of that name; None if there is none.

    start: of the first entry. What comes before the entry is checked: ValueError.
    """
    cdef const unsigned char* data = <const unsigned char*>PyBytes_AS_STRING(block)
    cdef const unsigned char* wanted = <const unsigned char*>PyBytes_AS_STRING(name)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block), wanted_len = PyBytes_GET_SIZE(name)
    cdef Py_ssize_t at = start, end, name_len
    cdef int order
    while at < size:
        end = entry_end(data, at, size, oid_len)
        name_len = data[at] << 8 | data[at + 1]
        order = compare_names(data + at + ENTRY_HEAD, name_len, wanted, wanted_len)
        if order == 0:
            return at + ENTRY_HEAD + name_len, bool(data[at + 2])
        if order > 0:
            return None
        at = end
    return None


def decode_entries(bytes block not None, Py_ssize_t start, Py_ssize_t oid_len):
    """(name, oid, peeled or None) of every entry, in order. Raises ValueError for a block that is cut short."""
    cdef const char* data = PyBytes_AS_STRING(block)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block)
    cdef Py_ssize_t at = start, end, oid_at, name_len
    cdef list entries = []
    while at < size:
        end = entry_end(<const unsigned char*>data, at, size, oid_len)
        name_len = (<unsigned char>data[at]) << 8 | <unsigned char>data[at + 1]
        oid_at = at + ENTRY_HEAD + name_len
        entries.append((
            PyBytes_FromStringAndSize(data + at + ENTRY_HEAD, name_len),
            PyBytes_FromStringAndSize(data + oid_at, oid_len),
            PyBytes_FromStringAndSize(data + oid_at + oid_len, oid_len) if data[at + 2] else None,
        ))
        at = end
    return entries


def peeled_between(bytes block not None, Py_ssize_t start, Py_ssize_t oid_len, bytes low not None, bytes high):
    """(oid, peeled) of each entry that is peeled, from the name `low` to before the name `high` (None: to the end).

    Raises ValueError for a block that is cut short.
    """
    cdef const char* data = PyBytes_AS_STRING(block)
    cdef const unsigned char* least = <const unsigned char*>PyBytes_AS_STRING(low)
    cdef const unsigned char* most = NULL
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block), least_len = PyBytes_GET_SIZE(low), most_len = 0
    cdef Py_ssize_t at = start, end, oid_at, name_len
    cdef const unsigned char* name
    cdef list found = []
    if high is not None:
        most, most_len = <const unsigned char*>PyBytes_AS_STRING(high), PyBytes_GET_SIZE(high)
    while at < size:
        end = entry_end(<const unsigned char*>data, at, size, oid_len)
        if data[at + 2]:
            name, name_len = <const unsigned char*>data + at + ENTRY_HEAD, end - at - ENTRY_HEAD - 2 * oid_len
            if most != NULL and compare_names(name, name_len, most, most_len) >= 0:
                break
            if compare_names(name, name_len, least, least_len) >= 0:
                oid_at = at + ENTRY_HEAD + name_len
                found.append((
                    PyBytes_FromStringAndSize(data + oid_at, oid_len),
                    PyBytes_FromStringAndSize(data + oid_at + oid_len, oid_len),
                ))
        at = end
    return found


def values_of(bytes block not None, Py_ssize_t start, Py_ssize_t oid_len):
    """The set of all oids in the block. Raises ValueError for a block that is cut short."""
    cdef const unsigned char* data = <const unsigned char*>PyBytes_AS_STRING(block)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block)
    cdef Py_ssize_t at = start, end
    cdef set values = set()
    while at < size:
        end = entry_end(data, at, size, oid_len)
        values.add(PyBytes_FromStringAndSize(<const char*>data + end - oid_len * (1 + data[at + 2]), oid_len))
        at = end
    return values
