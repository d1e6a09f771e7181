"""Manifests: the immutable states that pointers point to."""

from packengine.manifests.manifest import (
    OID_LENGTHS,
    CorruptManifest,
    Manifest,
    ManifestHead,
    ObjectFormat,
    PackPlace,
    PackRecord,
    PublishKind,
    decode_manifest,
    decode_manifest_head,
    digest_of,
    encode_manifest,
    known_object_format,
)

__all__ = [
    "OID_LENGTHS",
    "CorruptManifest",
    "Manifest",
    "ManifestHead",
    "ObjectFormat",
    "PackPlace",
    "PackRecord",
    "PublishKind",
    "decode_manifest",
    "decode_manifest_head",
    "digest_of",
    "encode_manifest",
    "known_object_format",
]
