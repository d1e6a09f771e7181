# cython: language_level=3, auto_pickle=False, autotestdict=False
"""The side-band codec: pkt-lines whose first byte names a band. Format: gitprotocol-pack(5), "Packfile Data".

`encode_band` is on the way of every byte of every clone: one allocation for the whole answer, then memcpy. It keeps the
GIL: a mebibyte takes a tenth of a millisecond, less than getting the GIL back from a busy thread may take.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from packengine.pktline cimport MAX_PACKET, write_length

from packengine.pktline import FLUSH, PktLineDecoder

DATA_BAND = 1
PROGRESS_BAND = 2
ERROR_BAND = 3
LARGE_PACKET_BYTES = MAX_PACKET
SMALL_PACKET_BYTES = 1000
KEEP_ALIVE = b"0005\x01"

cdef enum:
    OVERHEAD = 5


class SidebandError(ValueError):
    """A packet names no band that exists."""


def encode_band(int band, data, *, Py_ssize_t max_packet_bytes=MAX_PACKET):
    """Cut data into packets of one band, the last one as short as it must be; no data, no packet.

    max_packet_bytes: 65520 for side-band-64k and version 2, 1000 for side-band.
    Raises ValueError for a band or a size that the format does not know.
    """
    cdef Py_buffer view
    if not 1 <= band <= 3:
        raise ValueError(f"there are bands 1 to 3, not {band}")
    if not OVERHEAD < max_packet_bytes <= MAX_PACKET:
        raise ValueError(f"a side-band packet has {OVERHEAD + 1} to {MAX_PACKET} bytes, not {max_packet_bytes}")
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        return _frame(band, <const char*>view.buf, view.len, max_packet_bytes - OVERHEAD)
    finally:
        PyBuffer_Release(&view)


cdef bytes _frame(int band, const char* data, Py_ssize_t size, Py_ssize_t step):
    cdef Py_ssize_t packet_count = (size + step - 1) // step
    cdef bytes framed = PyBytes_FromStringAndSize(NULL, size + packet_count * OVERHEAD)
    cdef unsigned char* out = <unsigned char*>PyBytes_AS_STRING(framed)
    cdef Py_ssize_t here
    while size > 0:
        here = step if size > step else size
        write_length(out, here + OVERHEAD)
        out[4] = <unsigned char>band
        memcpy(out + OVERHEAD, data, here)
        out += here + OVERHEAD
        data += here
        size -= here
    return framed


class BandDecoder:
    """Take a side-band stream apart again, up to its flush."""

    def __init__(self, *, max_packets, max_bytes):
        self._packets = PktLineDecoder(max_packets=max_packets, max_bytes=max_bytes, stop_at_flush=True)
        self.ended = False

    def feed(self, data):
        """The (band, data) pairs that are whole now. Raises SidebandError, or PktLineError."""
        if self.ended and data:
            raise SidebandError("data after the flush that ends a side-band stream")
        bands = []
        for packet in self._packets.feed(data):
            if packet is FLUSH:
                self.ended = True
            else:
                bands.append(split_band(packet))
        return bands

    def take_rest(self):
        """The bytes behind the flush."""
        return self._packets.take_rest()


def split_band(packet):
    """(band, data) of one packet. Raises SidebandError."""
    if type(packet) is not bytes or not packet or not 1 <= packet[0] <= 3:
        shown = packet[:60] if type(packet) is bytes else packet
        raise SidebandError(f"protocol error: no band in packet {shown!r}")
    return packet[0], packet[1:]
