"""The certificate of a signed push: what is signed, and with what. Format: gitprotocol-pack(5), "Push Certificate".

    certificate version 0.1
    pusher <key id> <time>
    pushee <url>                may be missing
    nonce <nonce>               may be missing
    push-option <option>        each of them
                                an empty line
    <old> <new> <ref>           each command
    -----BEGIN …                the signature of all above

Whether any of it is true is not judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._limits import WireLimits

_FIRST_LINE = b"certificate version 0.1"
_LAST_LINE = b"push-cert-end"
_SIGNATURE = re.compile(rb"^-----BEGIN ", re.MULTILINE)
_ONCE = (b"pusher", b"pushee", b"nonce")


@dataclass(frozen=True, slots=True)
class PushCertificate:
    """A certificate as it came, and what it says. Its commands are those of the push."""

    payload: bytes
    """The bytes that are signed."""

    signature: bytes
    """In armor, of whatever kind; empty if there is none."""

    pusher: bytes
    pushee: bytes | None = None
    nonce: bytes | None = None
    push_options: tuple[bytes, ...] = ()


@dataclass(slots=True)
class CertificateReader:
    """Gathers the lines between `push-cert` and `push-cert-end`, which are taken with their newlines."""

    limits: WireLimits
    _lines: list[bytes] = field(default_factory=list)
    _bytes: int = 0

    def take(self, line: bytes) -> bool:
        """Take one packet; whether it was the last. Raises RemoteProtocolError if they become too many bytes."""
        if line.removesuffix(b"\n") == _LAST_LINE:
            return True
        self._bytes += len(line)
        if self._bytes > self.limits.max_push_certificate_bytes:
            raise RemoteProtocolError(f"push certificate of more than {self.limits.max_push_certificate_bytes} bytes")
        self._lines.append(line)
        return False

    def finish(self) -> tuple[PushCertificate, list[bytes]]:
        """The certificate and the lines of its commands. Raises RemoteProtocolError."""
        text = b"".join(self._lines)
        begin = _SIGNATURE.search(text)
        payload = text[: begin.start()] if begin is not None else text
        head, blank, commands = payload.partition(b"\n\n")
        if not blank or b"\0" in payload:
            raise RemoteProtocolError(b"malformed push certificate '%b'" % shown(payload, limit_bytes=100))
        once, options = _headers(head.split(b"\n"), self.limits)
        certificate = PushCertificate(
            payload=payload,
            signature=text[len(payload) :],
            pusher=once[b"pusher"],
            pushee=once.get(b"pushee"),
            nonce=once.get(b"nonce"),
            push_options=options,
        )
        return certificate, commands.removesuffix(b"\n").split(b"\n") if commands else []


def _headers(lines: list[bytes], limits: WireLimits) -> tuple[dict[bytes, bytes], tuple[bytes, ...]]:
    """What may stand once, and the push options. Other headers are passed over, as in Git."""
    if lines[0] != _FIRST_LINE:
        raise RemoteProtocolError(b"malformed push certificate: it starts with '%b'" % shown(lines[0]))
    once: dict[bytes, bytes] = {}
    options: list[bytes] = []
    for line in lines[1:]:
        key, _, value = line.partition(b" ")
        if key == b"push-option":
            options.append(value)
        elif key in once:
            raise RemoteProtocolError(b"malformed push certificate: two lines '%b'" % key)
        elif key in _ONCE:
            once[key] = value
    if b"pusher" not in once:
        raise RemoteProtocolError("malformed push certificate: it names no pusher")
    if len(options) > limits.max_push_options:
        raise RemoteProtocolError(f"more than {limits.max_push_options} push options")
    return once, tuple(options)
