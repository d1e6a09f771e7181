"""What every request of upload-pack has, and the lines its parsers share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packengine.protocol._capabilities import sanitise_agent
from packengine.protocol._errors import RemoteProtocolError, shown
from packengine.protocol._services import Offer


@dataclass(frozen=True, slots=True)
class Client:
    """What the client says of itself: for logs, never for decisions."""

    agent: bytes | None = None
    session_id: bytes | None = None
    server_options: tuple[bytes, ...] = ()
    """What the user gave with `--server-option`, as it came."""

    @classmethod
    def of(cls, words: Mapping[bytes, bytes | None], offer: Offer, *, server_options: tuple[bytes, ...] = ()) -> Client:
        """Who its capabilities say it is; of a session id only if we told ours."""
        agent = words.get(b"agent")
        session_id = words.get(b"session-id") if offer.session_id is not None else None
        return cls(
            agent=None if agent is None else sanitise_agent(agent),
            session_id=None if session_id is None else sanitise_agent(session_id),
            server_options=server_options,
        )


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """A lone flush: a client tries out its credentials before a large body. The answer is empty and successful."""


def unexpected_line(line: bytes) -> RemoteProtocolError:
    """Git's words for an argument that was not offered or makes no sense."""
    return RemoteProtocolError(b"unexpected line: '%b'" % shown(line))


def chomp(line: bytes) -> bytes:
    """Without the newline that a sender should, but need not, write."""
    return line[:-1] if line.endswith(b"\n") else line
