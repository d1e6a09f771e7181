"""The four hex digits in front of every pkt-line, shared with the side-band codec."""

cdef enum:
    MAX_PACKET = 65520


cdef inline unsigned char _hex_digit(Py_ssize_t value) noexcept nogil:
    return <unsigned char>(value + 48 if value < 10 else value + 87)


cdef inline void write_length(unsigned char* out, Py_ssize_t packet_len) noexcept nogil:
    """Write the length of a whole packet, its own four digits counted."""
    out[0] = _hex_digit(packet_len >> 12)
    out[1] = _hex_digit((packet_len >> 8) & 15)
    out[2] = _hex_digit((packet_len >> 4) & 15)
    out[3] = _hex_digit(packet_len & 15)


cdef class PktLineDecoder:
    cdef readonly Py_ssize_t packet_count
    cdef readonly Py_ssize_t byte_count
    cdef Py_ssize_t _max_packets
    cdef Py_ssize_t _max_bytes
    cdef bint _stop_at_flush
    cdef unsigned char _length[4]
    cdef Py_ssize_t _length_filled
    cdef bytes _payload
    cdef Py_ssize_t _payload_filled
    cdef bytes _rest
    cdef object _error

    cdef Py_ssize_t _scan(self, const unsigned char* data, Py_ssize_t size, list packets) except -1
    cdef Py_ssize_t _begin(self, const unsigned char* data, Py_ssize_t size, list packets) except -1
    cdef Py_ssize_t _resume(self, const unsigned char* data, Py_ssize_t size, list packets) except -1
    cdef int _count(self, const unsigned char* digits, Py_ssize_t packet_len) except -1
