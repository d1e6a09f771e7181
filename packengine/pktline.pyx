# cython: language_level=3, auto_pickle=False, autotestdict=False
"""The pkt-line codec: four hex digits of length, then the payload. Format: gitprotocol-common(5).

The decoder copies each payload once, out of the caller's buffer into the bytes object it hands out: a packet that arrives
in pieces is written straight into its final object, so feeding byte by byte costs no more copies than feeding whole.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memcmp, memcpy

from enum import Enum

MAX_PACKET_BYTES = MAX_PACKET
MAX_PAYLOAD_BYTES = MAX_PACKET - 4


class Marker(Enum):
    """The packets that have no payload."""

    FLUSH = b"0000"
    DELIM = b"0001"
    RESPONSE_END = b"0002"


FLUSH = Marker.FLUSH
DELIM = Marker.DELIM
RESPONSE_END = Marker.RESPONSE_END

Packet = bytes | Marker

cdef tuple _MARKERS = (FLUSH, DELIM, RESPONSE_END)


class PktLineError(ValueError):
    """The bytes are no pkt-lines, or there are more of them than the limits allow."""


cdef signed char[256] _HEX_VALUES
"""Of each byte, -1 for what is no hex digit: to tell digits apart by comparisons costs a wrong guess for every other."""

for _byte in range(256):
    _HEX_VALUES[_byte] = b"0123456789abcdef".find(bytes([_byte]).lower())


cdef inline Py_ssize_t _hex_value(unsigned char digit) noexcept nogil:
    return _HEX_VALUES[digit]


cdef inline Py_ssize_t _read_length(const unsigned char* digits) noexcept nogil:
    """The packet's length, or -1 if one of the four is no hex digit."""
    cdef Py_ssize_t a = _hex_value(digits[0])
    cdef Py_ssize_t b = _hex_value(digits[1])
    cdef Py_ssize_t c = _hex_value(digits[2])
    cdef Py_ssize_t d = _hex_value(digits[3])
    if (a | b | c | d) < 0:
        return -1
    return a << 12 | b << 8 | c << 4 | d


cdef class PktLineDecoder:
    """Cut a stream into packets as its bytes arrive.

    max_packets, max_bytes: over the decoder's whole life, markers and length digits counted; checked before memory is
    taken. packet_count, byte_count: what was counted so far, a packet as soon as its length is read.
    stop_at_flush: look no further than a flush until `feed` is called again, since what follows may be no pkt-lines.
    """

    def __cinit__(self, *, Py_ssize_t max_packets, Py_ssize_t max_bytes, bint stop_at_flush=False):
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._stop_at_flush = stop_at_flush
        self._rest = b""

    def feed(self, data):
        """Take in bytes; return the packets that are whole now, as bytes or markers.

        With stop_at_flush a flush is the last of a batch: go on with feed(b""), or leave with take_rest().
        Raises PktLineError, but never before the packets in front of the error have been handed out.
        """
        cdef Py_buffer view
        cdef Py_ssize_t used
        cdef list packets = []
        if self._error is not None:
            raise self._error
        if self._rest:
            data = self._rest + data
            self._rest = b""
        PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        try:
            used = self._scan(<const unsigned char*>view.buf, view.len, packets)
            if used < view.len:
                self._rest = PyBytes_FromStringAndSize(<const char*>view.buf + used, view.len - used)
        except PktLineError as error:
            self._error = error
            if not packets:
                raise
        finally:
            PyBuffer_Release(&view)
        return packets

    def take_rest(self):
        """The bytes after the last flush that were not looked at. Only between packets."""
        if self._is_inside():
            raise RuntimeError("take_rest() inside a pkt-line")
        rest, self._rest = self._rest, b""
        return rest

    def finish(self):
        """There will be no more bytes. Raises PktLineError inside a packet."""
        if self._error is not None:
            raise self._error
        if self._is_inside():
            raise PktLineError(f"the stream ends inside a pkt-line, after {self.byte_count} bytes were announced")

    def _is_inside(self):
        return self._length_filled > 0 or self._payload is not None

    cdef Py_ssize_t _scan(self, const unsigned char* data, Py_ssize_t size, list packets) except -1:
        """Returns how many bytes were used: fewer than size only behind a flush that stops."""
        cdef Py_ssize_t at = 0
        while at < size:
            if self._payload is None:
                at += self._begin(data + at, size - at, packets)
                if self._stop_at_flush and packets and packets[-1] is FLUSH:
                    break
            else:
                at += self._resume(data + at, size - at, packets)
        return at

    cdef Py_ssize_t _begin(self, const unsigned char* data, Py_ssize_t size, list packets) except -1:
        """Read the four digits, then as much of the payload as is there."""
        cdef Py_ssize_t wanted = 4 - self._length_filled
        cdef Py_ssize_t here = size if size < wanted else wanted
        cdef Py_ssize_t packet_len, payload_len
        memcpy(self._length + self._length_filled, data, here)
        self._length_filled += here
        if self._length_filled < 4:
            return here
        packet_len = _read_length(self._length)
        self._count(self._length, packet_len)
        self._length_filled = 0
        if packet_len < 3:
            packets.append(_MARKERS[packet_len])
            return here
        payload_len = packet_len - 4
        if payload_len <= size - here:
            packets.append(PyBytes_FromStringAndSize(<const char*>data + here, payload_len))
            return here + payload_len
        self._payload = PyBytes_FromStringAndSize(NULL, payload_len)
        self._payload_filled = 0
        return here

    cdef Py_ssize_t _resume(self, const unsigned char* data, Py_ssize_t size, list packets) except -1:
        """Fill up the payload that is under way."""
        cdef Py_ssize_t wanted = PyBytes_GET_SIZE(self._payload) - self._payload_filled
        cdef Py_ssize_t here = size if size < wanted else wanted
        # Nobody else has seen the object yet, so writing into it is allowed.
        memcpy(PyBytes_AS_STRING(self._payload) + self._payload_filled, data, here)
        self._payload_filled += here
        if here == wanted:
            packets.append(self._payload)
            self._payload = None
        return here

    cdef int _count(self, const unsigned char* digits, Py_ssize_t packet_len) except -1:
        """Judge an announced length before anything is allocated for it."""
        if packet_len < 0:
            shown = ascii(PyBytes_FromStringAndSize(<const char*>digits, 4))[2:-1]
            raise PktLineError(f"protocol error: bad line length character: {shown}")
        if packet_len == 3 or packet_len > MAX_PACKET:
            raise PktLineError(f"protocol error: bad line length {packet_len}")
        if self.packet_count >= self._max_packets:
            raise PktLineError(f"more than {self._max_packets} pkt-lines")
        self.packet_count += 1
        self.byte_count += packet_len if packet_len > 4 else 4
        if self.byte_count > self._max_bytes:
            raise PktLineError(f"more than {self._max_bytes} bytes of pkt-lines")
        return 0


cdef int _check_payload(Py_ssize_t size) except -1:
    if size > MAX_PACKET - 4:
        raise ValueError(f"a pkt-line carries at most {MAX_PACKET - 4} bytes, not {size}")
    return 0


cdef bytes _oid_in(bytes packet, bytes prefix, Py_ssize_t oid_bytes):
    """The raw id of a packet that is the prefix, an id in hex and perhaps a newline; None for any other."""
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packet), start = PyBytes_GET_SIZE(prefix), byte, value, seen = 0
    cdef const unsigned char* line = <const unsigned char*>PyBytes_AS_STRING(packet)
    cdef const unsigned char* digits = line + start
    cdef unsigned char* raw
    cdef bytes oid
    if size == start + 2 * oid_bytes + 1 and line[size - 1] == 10:
        size -= 1
    if size != start + 2 * oid_bytes or memcmp(line, PyBytes_AS_STRING(prefix), start) != 0:
        return None
    oid = PyBytes_FromStringAndSize(NULL, oid_bytes)
    raw = <unsigned char*>PyBytes_AS_STRING(oid)
    for byte in range(oid_bytes):
        value = _hex_value(digits[2 * byte]) << 4 | _hex_value(digits[2 * byte + 1])
        seen |= value
        raw[byte] = <unsigned char>value
    return oid if seen >= 0 else None


def take_oids(list packets, Py_ssize_t at, bytes prefix, Py_ssize_t oid_bytes, dict oids, Py_ssize_t max_oids):
    """Add the ids of a run of lines that begins at a place, such as `want <id>`, to the keys of a dict.

    A request may have thousands of them. Returns the place of the first packet that is no such line, or that comes when
    the dict has as many keys as it may have.
    """
    cdef Py_ssize_t packet_count = len(packets)
    while at < packet_count and len(oids) < max_oids and PyBytes_CheckExact(packets[at]):
        oid = _oid_in(packets[at], prefix, oid_bytes)
        if oid is None:
            break
        oids[oid] = None
        at += 1
    return at


def encode(data):
    """One pkt-line. Raises ValueError if data is longer than MAX_PAYLOAD_BYTES."""
    cdef Py_buffer view
    cdef bytes packet
    cdef unsigned char* out
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        _check_payload(view.len)
        packet = PyBytes_FromStringAndSize(NULL, view.len + 4)
        out = <unsigned char*>PyBytes_AS_STRING(packet)
        write_length(out, view.len + 4)
        memcpy(out + 4, view.buf, view.len)
    finally:
        PyBuffer_Release(&view)
    return packet


cdef Py_ssize_t _encoded_size(list packets) except -1:
    cdef Py_ssize_t total = 0
    for packet in packets:
        total += 4
        if PyBytes_CheckExact(packet):
            _check_payload(PyBytes_GET_SIZE(packet))
            total += PyBytes_GET_SIZE(packet)
        elif type(packet) is not Marker:
            raise TypeError(f"a packet is bytes or a Marker, not {type(packet).__name__}")
    return total


def encode_many(packets):
    """All packets in one bytes object: the inverse of the decoder. Raises ValueError as `encode` does."""
    cdef list items = list(packets)
    cdef bytes encoded = PyBytes_FromStringAndSize(NULL, _encoded_size(items))
    cdef unsigned char* out = <unsigned char*>PyBytes_AS_STRING(encoded)
    cdef Py_ssize_t size
    for packet in items:
        if PyBytes_CheckExact(packet):
            size = PyBytes_GET_SIZE(packet)
            write_length(out, size + 4)
            memcpy(out + 4, PyBytes_AS_STRING(packet), size)
            out += size + 4
        else:
            memcpy(out, PyBytes_AS_STRING(packet.value), 4)
            out += 4
    return encoded
