"""How an entry of a leaf block lies in memory, shared with what lists refs."""

from libc.string cimport memcmp

cdef enum:
    ENTRY_HEAD = 3


cdef inline Py_ssize_t entry_end(const unsigned char* data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t oid_len) except -1:
    """Where the entry at `at` ends. Raises ValueError if that is beyond the block."""
    cdef Py_ssize_t end
    if at + ENTRY_HEAD > size or data[at + 2] > 1:
        raise ValueError("cut short")
    end = at + ENTRY_HEAD + (data[at] << 8 | data[at + 1]) + oid_len * (1 + data[at + 2])
    if end > size:
        raise ValueError("cut short")
    return end


cdef inline int compare_names(const unsigned char* left, Py_ssize_t left_len, const unsigned char* right, Py_ssize_t right_len) noexcept nogil:
    """As bytes objects compare."""
    cdef int order = memcmp(left, right, min(left_len, right_len))
    if order:
        return order
    return (left_len > right_len) - (left_len < right_len)
