"""Ref names: stock Git's check-ref-format is the oracle."""

from __future__ import annotations

import subprocess

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from packengine.refs.names import is_valid_branch_name, is_well_formed
from tests.support.git import GIT_ENV

_PIECES = st.sampled_from(
    [b"/", b"/", b".", b"..", b".lock", b"@", b"@{", b"{", b"-", b"HEAD", b"refs", b"heads", b"lock", b"a", b"\xc3\xa9"]
)
_BYTES = st.integers(1, 255).map(lambda byte: bytes([byte]))
NAMES = st.lists(_PIECES | _BYTES, max_size=8).map(b"".join)

SETTINGS = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def _is_no_option(name: bytes) -> bool:
    """Git takes what starts with a dash for an option, and cannot be asked about it."""
    return not name.startswith(b"-")


def git_accepts(*arguments: bytes) -> bool:
    # Outside of any repository: --branch would look up @{-1} in one.
    command = [b"git", b"check-ref-format", *arguments]
    return subprocess.run(command, cwd="/", env=GIT_ENV, capture_output=True, check=False).returncode == 0


@SETTINGS
@given(NAMES.filter(_is_no_option))
@example(b"@")
@example(b"refs/heads/a.lock/b")
@example(b"refs/heads/a.")
@example(b"refs/heads/a\x7f")
def test_name_is_well_formed_where_git_says_so(name: bytes) -> None:
    assert is_well_formed(name) is git_accepts(name)


@SETTINGS
@given(NAMES.filter(_is_no_option))
@example(b"@")
def test_one_level_name_is_well_formed_where_git_says_so(name: bytes) -> None:
    assert is_well_formed(name, allow_onelevel=True) is git_accepts(b"--allow-onelevel", name)


@SETTINGS
@given(NAMES)
@example(b"-x")
@example(b"HEAD")
@example(b"@")
def test_branch_name_is_valid_where_git_says_so(name: bytes) -> None:
    assert is_valid_branch_name(name) is git_accepts(b"--branch", name)
