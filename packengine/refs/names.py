"""Which names a ref may have. Format: git-check-ref-format(1), and what a server asks beyond it."""

from __future__ import annotations

import re
from collections.abc import Callable

BRANCH_PREFIX = b"refs/heads/"
TAG_PREFIX = b"refs/tags/"

MAX_REF_NAME_BYTES = 1024
"""Git itself has no limit; file systems of clients do, at 255 bytes a component and 4,096 a path."""

_FORBIDDEN = re.compile(
    rb"""
      [\x00-\x20\x7f ~^:?*\[\\]   # controls, and what has a meaning in revisions, refspecs and patterns
    | \.\. | @\{                  # ranges, reflogs
    | // | /\Z | \A/              # empty components
    | /\. | \A\. | \.\Z           # hidden components; an end that reads as the end of a sentence
    | \.lock (?: / | \Z)          # what Git's own lock files end with
    """,
    re.VERBOSE,
)


class BadRefName(ValueError):
    """A name that no ref may have."""


def is_well_formed(name: bytes, *, allow_onelevel: bool = False) -> bool:
    """What `git check-ref-format [--allow-onelevel]` says of the name."""
    if not name or name == b"@" or (not allow_onelevel and b"/" not in name):
        return False
    return _FORBIDDEN.search(name) is None


def is_valid_ref_name(name: bytes, *, max_bytes: int = MAX_REF_NAME_BYTES) -> bool:
    """Whether a ref of a repository may have this name: well-formed, below refs/, not overlong."""
    return len(name) <= max_bytes and name.startswith(b"refs/") and is_well_formed(name)


def check_ref_name(name: bytes, *, max_bytes: int = MAX_REF_NAME_BYTES) -> None:
    """Raises BadRefName unless `is_valid_ref_name`."""
    if len(name) > max_bytes:
        raise BadRefName(f"ref name of {len(name)} bytes, more than {max_bytes}: {name[:80]!r}...")
    if not is_valid_ref_name(name, max_bytes=max_bytes):
        raise BadRefName(f"not a valid ref name: {name!r}")


def is_pushable_ref_name(name: bytes, *, deletes: bool) -> bool:
    """What receive-pack does not call funny: two components below refs/ (refs/stash is local), or any to be deleted."""
    return is_valid_ref_name(name) and is_well_formed(name.removeprefix(b"refs/"), allow_onelevel=deletes)


def is_valid_branch_name(short_name: bytes) -> bool:
    """What `git check-ref-format --branch` says of a name without refs/heads/: no option, not HEAD, valid as a ref."""
    return not short_name.startswith(b"-") and short_name != b"HEAD" and is_valid_ref_name(BRANCH_PREFIX + short_name)


def is_branch(name: bytes) -> bool:
    """Whether the ref is a branch."""
    return name.startswith(BRANCH_PREFIX)


def is_tag(name: bytes) -> bool:
    """Whether the ref is a tag."""
    return name.startswith(TAG_PREFIX)


def folders_of(name: bytes) -> list[bytes]:
    """`a` and `a/b` of `a/b/c`."""
    components = name.split(b"/")
    return [b"/".join(components[:depth]) for depth in range(1, len(components))]


def conflicting_ref(
    name: bytes, first_from: Callable[[bytes], bytes | None], exists: Callable[[bytes], bool]
) -> bytes | None:
    """A stored ref that cannot be beside `name`, as `a` cannot be beside `a/b`; None if there is none.

    first_from: the first stored name that is not before its argument; asked once. exists: whether a name is stored;
    asked for each level of `name`: between `a` and `a/b` may lie `a-x`, so neighbours of `name` alone would not tell.
    """
    below = first_from(name + b"/")
    if below is not None and below.startswith(name + b"/"):
        return below
    return next(filter(exists, folders_of(name)), None)
