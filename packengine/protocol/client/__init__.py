"""The client's side of the wire, to import from other servers: requests as bytes, answers to events.

The mirror image of the package around it, and as free of I/O: whoever uses it sends the requests and feeds what comes
back. Here the peer is a server that nobody vouches for, so every answer is bounded, whatever it says of itself.
"""

from packengine.protocol.client._advertisement import Advertisement, AdvertisementParser
from packengine.protocol.client._answers import AnswerParser, RemoteRefused
from packengine.protocol.client._fetch_answer import FetchAnswerParser
from packengine.protocol.client._fetch_events import Acknowledged, FetchEvent, Progress
from packengine.protocol.client._legacy_fetch_answer import LegacyFetchAnswerParser
from packengine.protocol.client._limits import AnswerLimits
from packengine.protocol.client._ls_refs_answer import LsRefsAnswerParser
from packengine.protocol.client._negotiation import Negotiation
from packengine.protocol.client._offer import RemoteOffer
from packengine.protocol.client._refs import RemoteRef, RemoteRefs
from packengine.protocol.client._requests import ls_refs_request

__all__ = [
    "Acknowledged",
    "Advertisement",
    "AdvertisementParser",
    "AnswerLimits",
    "AnswerParser",
    "FetchAnswerParser",
    "FetchEvent",
    "LegacyFetchAnswerParser",
    "LsRefsAnswerParser",
    "Negotiation",
    "Progress",
    "RemoteOffer",
    "RemoteRef",
    "RemoteRefs",
    "RemoteRefused",
    "ls_refs_request",
]
