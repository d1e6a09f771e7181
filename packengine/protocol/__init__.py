"""The Git wire as sans-IO state machines: bytes in, events out; answers as bytes. See docs/protocol.md."""

from packengine.protocol._answers import (
    END,
    KEEP_ALIVE,
    PACKFILE_HEADER,
    err_packet,
    fatal,
    not_our_ref,
    pack_data,
    progress,
)
from packengine.protocol._capabilities import ObjectFormat, sanitise_agent
from packengine.protocol._errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from packengine.protocol._fetch_request import FetchRequest
from packengine.protocol._filter_spec import (
    BlobLimit,
    BlobNone,
    FilterSpec,
    FilterTerm,
    ObjectType,
    SparseOid,
    TreeDepth,
)
from packengine.protocol._legacy_fetch_request import AckMode, LegacyFetchRequest, PackBands
from packengine.protocol._limits import WireLimits
from packengine.protocol._ls_refs_answer import ListedRef, ls_refs_answer
from packengine.protocol._ls_refs_request import LsRefsRequest
from packengine.protocol._needs import INFINITE_DEPTH, Deepen, Needs
from packengine.protocol._negotiation import Negotiated, Outcome, acknowledgments, negotiate
from packengine.protocol._push_request import (
    Command,
    PackData,
    PushCapabilities,
    PushCommands,
    command_refusals,
)
from packengine.protocol._receive_pack_advertisement import advertise_receive_pack
from packengine.protocol._receive_pack_parser import ReceivePackEvent, ReceivePackRequestParser
from packengine.protocol._requests import Client, ProbeRequest
from packengine.protocol._services import ReceivePackOffer, Service, UploadPackOffer, service_preamble
from packengine.protocol._upload_pack_parser import UploadPackRequest, UploadPackRequestParser
from packengine.protocol._v2_advertisement import advertise_v2
from packengine.protocol._versions import ProtocolVersion, negotiate_version
from packengine.protocol.push_report import (
    DurableResult,
    committed_report,
    push_error,
    push_message,
    rejected_report,
)

__all__ = [
    "END",
    "INFINITE_DEPTH",
    "KEEP_ALIVE",
    "PACKFILE_HEADER",
    "AckMode",
    "BlobLimit",
    "BlobNone",
    "Client",
    "Command",
    "Deepen",
    "DurableResult",
    "FetchRequest",
    "FilterSpec",
    "FilterTerm",
    "LegacyFetchRequest",
    "ListedRef",
    "LocalProtocolError",
    "LsRefsRequest",
    "Needs",
    "Negotiated",
    "ObjectFormat",
    "ObjectType",
    "Outcome",
    "PackBands",
    "PackData",
    "ProbeRequest",
    "ProtocolError",
    "ProtocolVersion",
    "PushCapabilities",
    "PushCommands",
    "ReceivePackEvent",
    "ReceivePackOffer",
    "ReceivePackRequestParser",
    "RemoteProtocolError",
    "Service",
    "SparseOid",
    "TreeDepth",
    "UploadPackOffer",
    "UploadPackRequest",
    "UploadPackRequestParser",
    "WireLimits",
    "acknowledgments",
    "advertise_receive_pack",
    "advertise_v2",
    "command_refusals",
    "committed_report",
    "err_packet",
    "fatal",
    "ls_refs_answer",
    "negotiate",
    "negotiate_version",
    "not_our_ref",
    "pack_data",
    "progress",
    "push_error",
    "push_message",
    "rejected_report",
    "sanitise_agent",
    "service_preamble",
]
