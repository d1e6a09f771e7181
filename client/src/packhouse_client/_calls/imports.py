"""Repositories that are filled from another server's."""

from __future__ import annotations

from collections.abc import Sequence

from packhouse_client._call import Call, delete, get, post
from packhouse_client.types.imports import ImportJob, ImportRepository


def start(
    base: str, url: str, *, token: str | None = None, refs: Sequence[str] | None = None, mirror: bool = False
) -> Call[ImportJob]:
    """Fill it from another server, or bring it up to date with it; this only asks for it.

    refs: patterns of full names; None: branches and tags, or with `mirror` nearly all. mirror: make refs and HEAD as
    the remote has them, also where that deletes one or takes commits back.
    """
    body = ImportRepository(url, token, None if refs is None else tuple(refs), mirror)
    return post(f"{base}/import", body, ImportJob)


def show(base: str) -> Call[ImportJob]:
    """How far the import is that was asked for last."""
    return get(f"{base}/import", ImportJob)


def cancel(base: str) -> Call[ImportJob]:
    """Cancel it, if it has not ended. What it has published stays."""
    return delete(f"{base}/import", ImportJob)
