"""The URL of a remote: what of it is where the remote is, and what is a credential."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote, urljoin, urlsplit

MAX_URL_CHARACTERS = 2_048
_DEFAULT_PORTS = {"https": 443, "http": 80}
_FIRST_UNPRIVILEGED_PORT = 1024
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?|(?=.*:)[0-9a-f:.]{2,45}", re.ASCII)
_PRINTABLE = re.compile(r"[!-\[\]-~]+", re.ASCII)
"""No backslash: some take it for a slash, and so another part of the URL for the host."""

_DISCOVERY = "/info/refs?service=git-upload-pack"


class BadRemoteUrl(ValueError):
    """No URL that can be imported from. The message says why, and nothing that is secret."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What Basic authentication sends."""

    user: str
    password: str


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """Where a remote is; without credentials, and without a slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who gets to see a credential that was given for it."""
        return self.scheme, self.host, self.port

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port, as they stand in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def discovery_target(self) -> str:
        """Where its refs are listed, behind the host."""
        return f"{self.path}{_DISCOVERY}"

    @property
    def upload_pack_target(self) -> str:
        """Where it is fetched from, behind the host."""
        return f"{self.path}/git-upload-pack"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"

    def redirected(self, location: str) -> RemoteUrl:
        """Where its refs are listed instead, by the Location of an answer. Raises BadRemoteUrl.

        To https, or within the same origin; and to a URL of the same end, so that the others can be told from it.
        """
        target = urljoin(f"{self}{_DISCOVERY}", location)
        if not location or not target.endswith(_DISCOVERY):
            raise BadRemoteUrl("the remote redirects to something that is no repository")
        moved, credentials = parse_remote_url(target.removesuffix(_DISCOVERY))
        if credentials is not None or not (moved.is_encrypted or moved.origin == self.origin):
            raise BadRemoteUrl(f"the remote redirects to {replace(moved, path='/')}, which is not followed")
        return moved


def parse_remote_url(text: str) -> tuple[RemoteUrl, Credentials | None]:
    """The URL, and the credentials that stand in it. Raises BadRemoteUrl."""
    if len(text) > MAX_URL_CHARACTERS or _PRINTABLE.fullmatch(text) is None:
        raise BadRemoteUrl(f"url: 1 to {MAX_URL_CHARACTERS} characters of ASCII; spaces and others percent-encoded")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadRemoteUrl("url: it cannot be read") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadRemoteUrl("url: only https:// can be imported from")
    host = (parts.hostname or "").rstrip(".")
    if _HOST.fullmatch(host) is None:
        raise BadRemoteUrl("url: it names no host (one beyond ASCII is written in punycode)")
    if "?" in text or "#" in text:
        raise BadRemoteUrl("url: the URL of a repository has neither a query nor a fragment")
    url = RemoteUrl(parts.scheme, host, _checked_port(parts.scheme, port), parts.path.rstrip("/"))
    if parts.username is None and parts.password is None:
        return url, None
    return url, Credentials(unquote(parts.username or ""), unquote(parts.password or ""))


def _checked_port(scheme: str, port: int | None) -> int:
    """Below 1024 live services of other kinds, which are none of ours to talk to."""
    chosen = _DEFAULT_PORTS[scheme] if port is None else port
    if chosen != _DEFAULT_PORTS[scheme] and chosen < _FIRST_UNPRIVILEGED_PORT:
        raise BadRemoteUrl(f"url: port {chosen} is neither {_DEFAULT_PORTS[scheme]} nor one from 1024 on")
    return chosen
