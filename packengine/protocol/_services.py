"""The two services of smart HTTP, what each may offer, and how its advertisement starts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from packengine.pktline import FLUSH, encode, encode_many
from packengine.protocol._capabilities import OID_BYTES, ObjectFormat, sanitise_agent


class Service(Enum):
    """A service by the name that stands in URLs and media types."""

    UPLOAD_PACK = "git-upload-pack"
    RECEIVE_PACK = "git-receive-pack"

    @property
    def advertisement_type(self) -> str:
        """Media type of the answer to info/refs."""
        return f"application/x-{self.value}-advertisement"

    @property
    def request_type(self) -> str:
        """Media type of a POST's body."""
        return f"application/x-{self.value}-request"

    @property
    def result_type(self) -> str:
        """Media type of the answer to a POST."""
        return f"application/x-{self.value}-result"


def service_preamble(service: Service) -> bytes:
    """What smart HTTP puts in front of an advertisement of version 0 or 1, and never of version 2."""
    return encode_many([b"# service=%b\n" % service.value.encode(), FLUSH])


VERSION_1_LINE = encode(b"version 1\n")


@dataclass(frozen=True, slots=True)
class Offer:
    """What we tell every client of one repository; requests are judged by it, so nothing else is understood.

    agent: sanitised on the way out. session_id: accepted from clients only if we offer ours.
    """

    agent: bytes
    object_format: ObjectFormat = "sha1"
    session_id: bytes | None = None

    @property
    def oid_bytes(self) -> int:
        """Length of a raw object id."""
        return OID_BYTES[self.object_format]

    def identity(self) -> list[tuple[bytes, bytes]]:
        """The capabilities that say who we are."""
        capabilities = [
            (b"object-format", self.object_format.encode()),
            (b"agent", sanitise_agent(self.agent)),
        ]
        if self.session_id is not None:
            capabilities.append((b"session-id", sanitise_agent(self.session_id)))
        return capabilities

    def identity_keys(self) -> frozenset[bytes]:
        """What a client may say of itself in return."""
        return frozenset(dict(self.identity()))


SAFE_FETCH_FEATURES = frozenset({b"shallow", b"wait-for-done", b"filter", b"ref-in-want", b"sideband-all"})
"""The words of `fetch=` that need nothing beside the repository; `packfile-uris` needs packs that lie elsewhere."""


@dataclass(frozen=True, slots=True)
class UploadPackOffer(Offer):
    """What fetching may use. Advertisements and parsers both read it: nothing is understood but what was told."""

    fetch_features: frozenset[bytes] = SAFE_FETCH_FEATURES
    """The words of `fetch=`; a request line that needs a word which is not here is unexpected."""

    bundle_uri: bool = False
    object_info: bool = True

    def commands(self) -> dict[bytes, bytes]:
        """The commands of version 2, each with its value; an empty one is left out of the advertisement."""
        commands = {b"ls-refs": b"unborn", b"fetch": b" ".join(sorted(self.fetch_features))}
        if self.object_info:
            commands[b"object-info"] = b"size"
        if self.bundle_uri:
            commands[b"bundle-uri"] = b""
        return commands


@dataclass(frozen=True, slots=True)
class ReceivePackOffer(Offer):
    """What pushing may use, beyond what we always offer."""

    push_options: bool = False
    push_certificate_nonce: bytes | None = None
    """What a signed push must bring back; None where nobody's signature could be verified."""
