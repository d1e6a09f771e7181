"""The Git wire as sans-IO state machines: bytes in, events out; answers as bytes. See docs/protocol.md."""

from packengine.protocol._answers import (
    END,
    KEEP_ALIVE,
    err_packet,
    fatal,
    progress,
)
from packengine.protocol._bundle_uri import BundleUri, BundleUriRequest, bundle_uri_answer
from packengine.protocol._capabilities import ObjectFormat, sanitise_agent
from packengine.protocol._errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from packengine.protocol._fetch_answer import EARLY_KEEP_ALIVE, FetchSections, fetch_error, fetch_head
from packengine.protocol._fetch_request import FetchRequest
from packengine.protocol._filter_spec import (
    BlobLimit,
    BlobNone,
    FilterSpec,
    FilterTerm,
    ObjectType,
    SparseOid,
    TreeDepth,
    parse_filter_spec,
)
from packengine.protocol._legacy_advertisement import advertise_upload_pack
from packengine.protocol._legacy_fetch_request import AckMode, LegacyFetchRequest, PackBands
from packengine.protocol._legacy_negotiation import LegacyNegotiated, legacy_head, negotiate_legacy
from packengine.protocol._legacy_parser import LegacyUploadPackRequest, LegacyUploadPackRequestParser
from packengine.protocol._limits import WireLimits
from packengine.protocol._ls_refs_answer import ListedRef, ls_refs_answer
from packengine.protocol._ls_refs_request import LsRefsRequest
from packengine.protocol._needs import INFINITE_DEPTH, Deepen, Needs
from packengine.protocol._negotiation import Negotiated, Outcome, negotiate
from packengine.protocol._object_info import ObjectInfoRequest, object_info_answer
from packengine.protocol._pack_frame import PackFrame
from packengine.protocol._push_certificate import PushCertificate
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
from packengine.protocol._services import (
    SAFE_FETCH_FEATURES,
    ReceivePackOffer,
    Service,
    UploadPackOffer,
    service_preamble,
)
from packengine.protocol._shallow_info import ShallowInfo
from packengine.protocol._upload_pack_parser import UploadPackRequest, UploadPackRequestParser
from packengine.protocol._v2_advertisement import advertise_v2
from packengine.protocol._versions import ProtocolVersion, negotiate_version
from packengine.protocol.push_report import (
    DurableResult,
    committed_report,
    push_error,
    push_message,
    push_progress,
    rejected_report,
)

__all__ = [
    "EARLY_KEEP_ALIVE",
    "END",
    "INFINITE_DEPTH",
    "KEEP_ALIVE",
    "SAFE_FETCH_FEATURES",
    "AckMode",
    "BlobLimit",
    "BlobNone",
    "BundleUri",
    "BundleUriRequest",
    "Client",
    "Command",
    "Deepen",
    "DurableResult",
    "FetchRequest",
    "FetchSections",
    "FilterSpec",
    "FilterTerm",
    "LegacyFetchRequest",
    "LegacyNegotiated",
    "LegacyUploadPackRequest",
    "LegacyUploadPackRequestParser",
    "ListedRef",
    "LocalProtocolError",
    "LsRefsRequest",
    "Needs",
    "Negotiated",
    "ObjectFormat",
    "ObjectInfoRequest",
    "ObjectType",
    "Outcome",
    "PackBands",
    "PackData",
    "PackFrame",
    "ProbeRequest",
    "ProtocolError",
    "ProtocolVersion",
    "PushCapabilities",
    "PushCertificate",
    "PushCommands",
    "ReceivePackEvent",
    "ReceivePackOffer",
    "ReceivePackRequestParser",
    "RemoteProtocolError",
    "Service",
    "ShallowInfo",
    "SparseOid",
    "TreeDepth",
    "UploadPackOffer",
    "UploadPackRequest",
    "UploadPackRequestParser",
    "WireLimits",
    "advertise_receive_pack",
    "advertise_upload_pack",
    "advertise_v2",
    "bundle_uri_answer",
    "command_refusals",
    "committed_report",
    "err_packet",
    "fatal",
    "fetch_error",
    "fetch_head",
    "legacy_head",
    "ls_refs_answer",
    "negotiate",
    "negotiate_legacy",
    "negotiate_version",
    "object_info_answer",
    "parse_filter_spec",
    "progress",
    "push_error",
    "push_message",
    "push_progress",
    "rejected_report",
    "sanitise_agent",
    "service_preamble",
]
