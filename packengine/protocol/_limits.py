"""How much of a request is taken in before the peer is told that it is too much (design, law 9)."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Bounds on one request's pkt-lines; pack data is not counted here.

    The defaults let a mirror of 500,000 refs be cloned and pushed.
    """

    max_pkt_lines: int = 1_300_000
    max_request_bytes: int = 128 * MEBIBYTE
    max_wants: int = 600_000
    max_haves: int = 600_000
    max_ref_prefixes: int = 65_535
    """More than these and the prefixes count for nothing, as in Git: they only ever narrow a list."""

    max_commands: int = 600_000
    max_shallows: int = 600_000
    max_excluded_refs: int = 1_000
    """Refs whose history a shallow client leaves out; `git clone` sends one for each `--shallow-exclude`."""

    max_filter_bytes: int = 16 * 1024
    max_filter_terms: int = 32
    max_filter_nesting: int = 16
    """Combinations inside one another."""

    max_object_infos: int = 100_000
    max_server_options: int = 1_000
    max_server_option_bytes: int = 64 * 1024
    """Of all server options of one request together."""

    max_push_options: int = 1_000
    max_push_option_bytes: int = 64 * 1024
    """Of all push options of one push together."""

    max_push_certificate_bytes: int = 4 * MEBIBYTE
    """Its signature counted: some 30,000 commands, which are all read at its end."""

    max_capability_bytes: int = 4_096
    """Of one capability line of version 2, or of the whole list behind the NUL before it."""
