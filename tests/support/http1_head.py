"""Heads of requests, read with limits that no test reaches by chance."""

from __future__ import annotations

from core_ext import RequestHead, parse_request_head


def parsed(data: bytes) -> RequestHead | None:
    """What `data` begins with, None if more is needed."""
    return parse_request_head(data, max_bytes=65_536, max_headers=100)


def head_of(*fields: bytes, line: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: a.example") -> RequestHead:
    """A whole request with these fields besides its host."""
    head = parsed(b"\r\n".join([line, *filter(None, [host]), *fields, b"", b""]))
    assert head is not None
    return head
