"""Which repository and what of it a path names: a part of smart HTTP (gitprotocol-http(5)), or a download."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import parse_qs

from packengine.protocol import Service

_PATH = re.compile(r"/git/(?P<id>[a-z0-9_-]{4,64})(?:\.git)?/(?P<end>info/refs|git-upload-pack|git-receive-pack)")
_DOWNLOAD = re.compile(
    r"/git/(?P<id>[a-z0-9_-]{4,64})(?:\.git)?/(?:bundles/(?P<bundle>[0-9a-f]{64})\.bundle|packs/(?P<pack>[0-9a-f]{64})\.pack)"
)


class Endpoint(Enum):
    """The two kinds of request that smart HTTP has."""

    ADVERTISEMENT = auto()
    CALL = auto()


@dataclass(frozen=True, slots=True)
class GitRoute:
    """A request, as far as its line tells. `service` is None where a dumb client asks for info/refs."""

    repository_id: str
    endpoint: Endpoint
    service: Service | None

    @property
    def methods(self) -> tuple[str, ...]:
        """What it is served by."""
        return ("GET", "HEAD") if self.endpoint is Endpoint.ADVERTISEMENT else ("POST",)

    @property
    def is_push(self) -> bool:
        """Whether it is to change anything."""
        return self.endpoint is Endpoint.CALL and self.service is Service.RECEIVE_PACK

    @property
    def template(self) -> str:
        """For logs and metrics."""
        end = "info/refs" if self.endpoint is Endpoint.ADVERTISEMENT else self.service.value if self.service else "-"
        return f"/git/:id/{end}"


def parse_route(path: str, query: bytes) -> GitRoute | None:
    """The route of a path, or None if it is none of ours."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    if match["end"] != "info/refs":
        return GitRoute(match["id"], Endpoint.CALL, Service(match["end"]))
    names = parse_qs(query.decode("latin-1")).get("service", [])
    service = next((service for service in Service if names == [service.value]), None)
    return GitRoute(match["id"], Endpoint.ADVERTISEMENT, service)


class DownloadKind(Enum):
    """What can be downloaded; the values are the folders of the paths."""

    BUNDLE = "bundles"
    PACK = "packs"


@dataclass(frozen=True, slots=True)
class DownloadRoute:
    """A static file of one repository, named by a digest."""

    repository_id: str
    kind: DownloadKind
    digest: bytes

    @property
    def path(self) -> str:
        """The path in the spelling that is signed, whichever was asked for."""
        end = self.kind.value.removesuffix("s")
        return f"/git/{self.repository_id}.git/{self.kind.value}/{self.digest.hex()}.{end}"

    @property
    def template(self) -> str:
        """For logs and metrics."""
        return f"/git/:id/{self.kind.value}/:digest"


def parse_download(path: str) -> DownloadRoute | None:
    """The download that a path names, or None if it names none."""
    match = _DOWNLOAD.fullmatch(path)
    if match is None:
        return None
    kind = DownloadKind.BUNDLE if match["bundle"] else DownloadKind.PACK
    return DownloadRoute(match["id"], kind, bytes.fromhex(match["bundle"] or match["pack"]))
