# cython: language_level=3, auto_pickle=False, autotestdict=False
"""Refs as pkt-lines, straight out of a leaf block. Formats: docs/formats.md, "Ref blocks"; gitprotocol-v2(5).

A list of 500,000 refs is 38 MB; with an object of Python's for each ref it took 0.4 s, and takes a tenth of that here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcpy

from packengine.pktline cimport MAX_PACKET, write_length
from packengine.refs.leaf cimport ENTRY_HEAD, compare_names, entry_end

from enum import IntEnum


class Peeling(IntEnum):
    """How a listing tells what an annotated tag peels to."""

    UNTOLD = NOT_TOLD
    IN_LINE = BEHIND_NAME
    OWN_LINE = LINE_OF_ITS_OWN


cdef enum:
    NOT_TOLD = 0
    BEHIND_NAME = 1
    LINE_OF_ITS_OWN = 2

cdef const char* _PEELED_WORD = " peeled:"
cdef const char* _PEELED_MARK = "^{}"

cdef enum:
    LENGTH_DIGITS = 4
    PEELED_WORD_BYTES = 8
    PEELED_MARK_BYTES = 3

cdef unsigned char[512] _DIGITS
for _byte in range(256):
    _DIGITS[2 * _byte] = b"0123456789abcdef"[_byte >> 4]
    _DIGITS[2 * _byte + 1] = b"0123456789abcdef"[_byte & 15]

cdef struct Ref:
    const unsigned char* name
    Py_ssize_t name_len
    const unsigned char* oid
    const unsigned char* peeled  # NULL: none, or nothing is to be said of it


cdef Py_ssize_t _listed_bytes(const Ref* ref, Py_ssize_t oid_len, int peeling) except -1:
    """How long the packets of one ref are. Raises ValueError if one has no room for it."""
    cdef Py_ssize_t line = LENGTH_DIGITS + 2 * oid_len + 1 + ref.name_len + 1, longest = line, total = line
    if ref.peeled != NULL and peeling == BEHIND_NAME:
        total = longest = line + PEELED_WORD_BYTES + 2 * oid_len
    elif ref.peeled != NULL:
        longest = line + PEELED_MARK_BYTES
        total = line + longest
    if longest > MAX_PACKET:
        raise ValueError(f"beyond what a pkt-line carries: a name of {ref.name_len} bytes")
    return total


cdef inline unsigned char* _copied(unsigned char* out, const void* data, Py_ssize_t size) noexcept nogil:
    memcpy(out, data, size)
    return out + size


cdef inline unsigned char* _hex(unsigned char* out, const unsigned char* raw, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t at
    for at in range(size):
        memcpy(out + 2 * at, &_DIGITS[2 * raw[at]], 2)
    return out + 2 * size


cdef unsigned char* _line(unsigned char* start, const Ref* ref, Py_ssize_t oid_len, int peeling) noexcept nogil:
    """One packet: the value, the name and what it peels to; or, for a line of its own, the peeled value and the name."""
    cdef unsigned char* out = _hex(start + LENGTH_DIGITS, ref.peeled if peeling == LINE_OF_ITS_OWN else ref.oid, oid_len)
    out[0] = c" "
    out = _copied(out + 1, ref.name, ref.name_len)
    if peeling == LINE_OF_ITS_OWN:
        out = _copied(out, _PEELED_MARK, PEELED_MARK_BYTES)
    elif peeling == BEHIND_NAME and ref.peeled != NULL:
        out = _hex(_copied(out, _PEELED_WORD, PEELED_WORD_BYTES), ref.peeled, oid_len)
    out[0] = c"\n"
    write_length(start, out + 1 - start)
    return out + 1


cdef unsigned char* _listed(unsigned char* out, const Ref* ref, Py_ssize_t oid_len, int peeling) noexcept nogil:
    if peeling != LINE_OF_ITS_OWN:
        return _line(out, ref, oid_len, peeling)
    out = _line(out, ref, oid_len, NOT_TOLD)
    return out if ref.peeled == NULL else _line(out, ref, oid_len, LINE_OF_ITS_OWN)


cdef void _read(Ref* ref, const unsigned char* data, Py_ssize_t at, Py_ssize_t end, Py_ssize_t oid_len, int peeling) noexcept nogil:
    """The entry from `at` to `end`."""
    cdef bint is_peeled = data[at + 2]
    ref.oid = data + end - oid_len * (1 + is_peeled)
    ref.name = data + at + ENTRY_HEAD
    ref.name_len = ref.oid - ref.name
    ref.peeled = ref.oid + oid_len if is_peeled and peeling != NOT_TOLD else NULL


cdef struct Bounds:
    const unsigned char* low
    Py_ssize_t low_len
    const unsigned char* high  # NULL: no end
    Py_ssize_t high_len


cdef struct Run:
    Py_ssize_t first
    Py_ssize_t end
    Py_ssize_t listed_bytes


cdef Bounds _bounds(bytes low, bytes high):
    cdef Bounds bounds
    bounds.low, bounds.low_len = <const unsigned char*>PyBytes_AS_STRING(low), PyBytes_GET_SIZE(low)
    bounds.high, bounds.high_len = NULL, 0
    if high is not None:
        bounds.high, bounds.high_len = <const unsigned char*>PyBytes_AS_STRING(high), PyBytes_GET_SIZE(high)
    return bounds


cdef bint _is_within(const Ref* ref, const Bounds* bounds) noexcept nogil:
    return compare_names(ref.name, ref.name_len, bounds.low, bounds.low_len) >= 0 and (
        bounds.high == NULL or compare_names(ref.name, ref.name_len, bounds.high, bounds.high_len) < 0
    )


cdef Run _run_within(const unsigned char* data, Py_ssize_t start, Py_ssize_t size, Py_ssize_t oid_len, Py_ssize_t ref_count, const Bounds* bounds, int peeling) except *:
    """Where the entries lie that are to be listed, and how long that gets. Checks the whole block."""
    cdef Py_ssize_t at = start, end, count = 0
    cdef Ref ref, before
    cdef Run run
    run.first = run.end = run.listed_bytes = 0
    while at < size:
        end = entry_end(data, at, size, oid_len)
        _read(&ref, data, at, end, oid_len, peeling)
        if count and compare_names(before.name, before.name_len, ref.name, ref.name_len) >= 0:
            raise ValueError("out of order")
        if _is_within(&ref, bounds):
            run.first = run.first or at
            run.end = end
            run.listed_bytes += _listed_bytes(&ref, oid_len, peeling)
        before = ref
        count += 1
        at = end
    if count != ref_count:
        raise ValueError(f"one of {count} refs, its index says {ref_count}")
    return run


def list_block(bytes block not None, Py_ssize_t start, Py_ssize_t oid_len, Py_ssize_t ref_count, bytes low not None, bytes high, int peeling):
    """The packets of the entries from the name `low` to before the name `high` (None: to the end), of a `Peeling`.

    start: of the first entry. ref_count: how many there are in all. The whole block is checked: ValueError.
    """
    cdef const unsigned char* data = <const unsigned char*>PyBytes_AS_STRING(block)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(block), at, end
    cdef Bounds bounds = _bounds(low, high)
    cdef Run run = _run_within(data, start, size, oid_len, ref_count, &bounds, peeling)
    cdef bytes listing = PyBytes_FromStringAndSize(NULL, run.listed_bytes)
    cdef unsigned char* out = <unsigned char*>PyBytes_AS_STRING(listing)
    cdef Ref ref
    at = run.first
    while at < run.end:
        end = entry_end(data, at, size, oid_len)
        _read(&ref, data, at, end, oid_len, peeling)
        out = _listed(out, &ref, oid_len, peeling)
        at = end
    return listing


cdef Ref _ref_of(bytes name, bytes oid, bytes peeled, Py_ssize_t oid_len, int peeling) except *:
    cdef Ref ref
    if name is None or oid is None:
        raise TypeError("a ref has a name and an id")
    if PyBytes_GET_SIZE(oid) != oid_len or (peeled is not None and PyBytes_GET_SIZE(peeled) != oid_len):
        raise ValueError(f"an id that has not {oid_len} bytes")
    ref.name, ref.name_len = <const unsigned char*>PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)
    ref.oid, ref.peeled = <const unsigned char*>PyBytes_AS_STRING(oid), NULL
    if peeled is not None and peeling != NOT_TOLD:
        ref.peeled = <const unsigned char*>PyBytes_AS_STRING(peeled)
    return ref


def list_entries(entries, Py_ssize_t oid_len, int peeling):
    """The packets of entries that are objects already: (name, oid, peeled or None) each. Raises ValueError."""
    cdef Py_ssize_t total = 0
    cdef bytes listing
    cdef unsigned char* out
    cdef Ref ref
    for name, oid, peeled in entries:
        ref = _ref_of(name, oid, peeled, oid_len, peeling)
        total += _listed_bytes(&ref, oid_len, peeling)
    listing = PyBytes_FromStringAndSize(NULL, total)
    out = <unsigned char*>PyBytes_AS_STRING(listing)
    for name, oid, peeled in entries:
        ref = _ref_of(name, oid, peeled, oid_len, peeling)
        out = _listed(out, &ref, oid_len, peeling)
    return listing
