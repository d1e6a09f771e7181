"""The fuzz targets: a module each, with `check(data)`, which raises if the module's first line is not true of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """How a target is run. What it checks is in the module of its name."""

    name: str
    min_coverage: int
    """Edges that the seeds alone reach, with room for change. It is more than they reach with ordinary native modules:
    none, or about 200 where Python is instrumented."""

    python: tuple[str, ...] = ()
    """Packages whose Python is instrumented as well. Without any, every edge that is counted is one of native code."""

    max_bytes: int = 4096
    """Longest input that is tried."""


TARGETS = {
    target.name: target
    for target in (
        Target("pktline", min_coverage=300),
        Target("upload_pack_request", min_coverage=290, python=("packengine.protocol",), max_bytes=1024),
        Target("legacy_upload_pack_request", min_coverage=300, python=("packengine.protocol",), max_bytes=1024),
        Target(
            "receive_pack_request", min_coverage=290, python=("packengine.protocol", "packengine.refs"), max_bytes=1024
        ),
        Target("remote_answer", min_coverage=260, python=("packengine.protocol.client",), max_bytes=1024),
        Target("http1", min_coverage=500),
        Target("object", min_coverage=500),
        Target("tree", min_coverage=1500),
        Target("delta", min_coverage=150),
        Target("idx", min_coverage=1000, max_bytes=8192),
        Target("commit_graph", min_coverage=1000),
        Target("bitmap", min_coverage=1000),
        Target("pack", min_coverage=2500, max_bytes=16384),
    )
}
