"""The command bundle-uri of version 2. Format: gitprotocol-v2(5), "bundle-uri"; git-config(1), "bundle.*"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from packengine.pktline import FLUSH, encode_many
from packengine.protocol._errors import LocalProtocolError, RemoteProtocolError, shown
from packengine.protocol._limits import WireLimits
from packengine.protocol._requests import Client
from packengine.protocol._services import UploadPackOffer

_ID = re.compile(rb"[A-Za-z0-9-]+")
_URI = re.compile(rb"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleUriRequest:
    """The client wants to know where bundles lie."""

    client: Client


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleUri:
    """One bundle of a list of which a client takes all."""

    id: bytes
    """Letters, digits and dashes: it becomes a part of a key in the client's configuration."""

    uri: bytes
    creation_token: int | None = None
    """Grows from bundle to bundle, so that a client fetches only those that are newer than what it has seen."""


class BundleUriArguments:
    """There are none."""

    MISSING_FLUSH: ClassVar[bytes] = b"bundle-uri: expected flush after arguments"

    def __init__(self, offer: UploadPackOffer, limits: WireLimits) -> None:
        del offer, limits

    def take(self, line: bytes) -> None:
        raise RemoteProtocolError(b"bundle-uri: unexpected argument: '%b'" % shown(line))

    def request(self, client: Client) -> BundleUriRequest:
        return BundleUriRequest(client=client)


def bundle_uri_answer(bundles: Sequence[BundleUri]) -> bytes:
    """The whole answer; of no bundles, an empty list. Raises LocalProtocolError for what would break a line."""
    return encode_many([*(_list_lines(bundles) if bundles else ()), FLUSH])


def _list_lines(bundles: Sequence[BundleUri]) -> Iterator[bytes]:
    yield b"bundle.version=1\n"
    yield b"bundle.mode=all\n"
    if all(bundle.creation_token is not None for bundle in bundles):
        yield b"bundle.heuristic=creationToken\n"
    for bundle in bundles:
        yield from _bundle_lines(bundle)


def _bundle_lines(bundle: BundleUri) -> Iterator[bytes]:
    if not _ID.fullmatch(bundle.id) or not _URI.fullmatch(bundle.uri):
        raise LocalProtocolError(f"bundle {bundle.id!r} at {bundle.uri!r}: not to be written into a list of bundles")
    yield b"bundle.%b.uri=%b\n" % (bundle.id, bundle.uri)
    if bundle.creation_token is not None:
        # In lower case: Git's client compares keys as they come, and knows them as its config parser would make them.
        yield b"bundle.%b.creationtoken=%d\n" % (bundle.id, bundle.creation_token)
