"""Which repository and which part of smart HTTP a path names. Format: gitprotocol-http(5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import parse_qs

from packengine.protocol import Service

_PATH = re.compile(r"/git/(?P<id>[a-z0-9_-]{4,64})(?:\.git)?/(?P<end>info/refs|git-upload-pack|git-receive-pack)")


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
    def method(self) -> str:
        """The one method that it is served by."""
        return "GET" if self.endpoint is Endpoint.ADVERTISEMENT else "POST"

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
