"""Trees, blobs, archives and what differs."""

from __future__ import annotations

from typing import Literal

from packhouse_client._call import Listing, Octets, Pages, listing, octets, pages, segments
from packhouse_client.types.diffs import CompareQuery, ComparisonAnswer, FileDiffItem, ReadDiff
from packhouse_client.types.trees import ListTree, ReadArchive, ReadBlob, TreeItem


def tree(
    base: str, ref: str = "HEAD", path: str = "", *, recursive: bool = True, page: int = 100_000
) -> Listing[TreeItem]:
    """What a folder of a revision holds; recursive: also what lies deeper."""
    return listing(f"{base}/tree", TreeItem, ListTree(ref, path, recursive, page))


def blob(
    base: str,
    path: str | None = None,
    commit: str = "HEAD",
    *,
    sha: str | None = None,
    if_none_match: str | None = None,
    octet_range: str | None = None,
) -> Octets:
    """The content of a file at a path, or of the blob `sha`. octet_range: as in "0-1023", both inclusive."""
    headers = {}
    if if_none_match is not None:
        headers["If-None-Match"] = if_none_match
    if octet_range is not None:
        headers["Range"] = f"bytes={octet_range}"
    return octets(f"{base}/blob", ReadBlob(path, commit, sha), headers)


def archive(
    base: str, ref: str = "HEAD", kind: Literal["tar.gz", "zip"] = "tar.gz", *, prefix: str | None = None
) -> Octets:
    """All files of a revision. prefix: before all paths."""
    return octets(f"{base}/archive/{segments(ref)}.{kind}", ReadArchive(prefix))


def diff(
    base: str,
    commit: str,
    against: str | None = None,
    *,
    context: int = 3,
    renames: bool = True,
    page: int = 3000,
) -> Listing[FileDiffItem]:
    """The files that differ between a commit and another, by default its first parent."""
    query = ReadDiff(commit, against, context, renames, page)
    return listing(f"{base}/diff", FileDiffItem, query)


def compare(
    base: str, old: str, new: str, *, dots: Literal["..", "..."] = "...", context: int = 3, renames: bool = True
) -> Pages[ComparisonAnswer]:
    """What `new` has and `old` has not: the files since their merge base (two dots: since `old`), and the commits.

    A page has up to 500 commits, the first one the files as well.
    """
    query = CompareQuery(context=context, renames=renames)
    return pages(f"{base}/compare/{segments(old + dots + new)}", ComparisonAnswer, query)
