"""What the matrix asks of each client, and what a client cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OLD_GIT = "git before 2.18"


@dataclass(frozen=True, slots=True)
class Limit:
    """reason: for docs/clients.md; says: a pattern found in what the client says, or in what a test finds amiss."""

    reason: str
    says: str


FEATURES: Mapping[str, str] = {
    "clone": "test_fetching.py::test_a_clone_has_every_branch_and_tag_and_all_they_reach",
    "shallow clone": "test_fetching.py::test_a_shallow_clone_ends_where_it_was_asked_to",
    "deepen": "test_fetching.py::test_a_shallow_clone_can_be_deepened",
    "unshallow": "test_fetching.py::test_a_shallow_clone_can_be_completed",
    "fetch": "test_fetching.py::test_a_fetch_brings_what_was_pushed_since",
    "push": "test_pushing.py::test_pushes_make_a_branch_and_move_it",
    "push onto odd file names": "test_pushing.py::test_a_push_into_a_real_history_adds_to_it",
    "push from a shallow clone": "test_pushing.py::test_a_shallow_clone_pushes_what_it_added",
    "force push": "test_pushing.py::test_what_is_no_fast_forward_needs_force",
    "delete": "test_pushing.py::test_branches_and_tags_are_deleted",
    "tags": "test_pushing.py::test_tags_are_pushed_and_listed",
    "empty repository": "test_fetching.py::test_an_empty_repository_is_cloned_and_then_gets_its_first_push",
    "large file": "test_fetching.py::test_a_large_file_goes_in_and_comes_out",
    "many refs": "test_fetching.py::test_many_refs_are_listed_cloned_and_fetched",
    "wrong password": "test_credentials.py::test_a_wrong_password_is_a_clear_refusal",
    "credentials in the URL": "test_credentials.py::test_credentials_may_stand_in_the_url",
    "protocol v0": "test_protocol_versions.py::test_clone_push_and_fetch_by_version",
    "protocol v1": "test_protocol_versions.py::test_clone_push_and_fetch_by_version",
    "protocol v2": "test_protocol_versions.py::test_clone_push_and_fetch_by_version",
}
"""The rows of docs/clients.md, and the test in tests/clients that backs each."""

_ONLY_V0 = "It speaks version 0 only."
_OLD_BOUNDARY_STAYS = (
    "It gets the objects, and adds the new boundary to its list, but never takes the old one out of it, "
    "so that nothing below is seen; the way out is a new clone."
)

LIMITS: Mapping[tuple[str, str], Limit] = {
    (OLD_GIT, "protocol v1"): Limit(_ONLY_V0, "version 0 only"),
    (OLD_GIT, "protocol v2"): Limit(_ONLY_V0, "version 0 only"),
    ("libgit2", "protocol v1"): Limit(_ONLY_V0, "version 0 only"),
    ("libgit2", "protocol v2"): Limit(_ONLY_V0, "version 0 only"),
    ("isomorphic-git", "push onto odd file names"): Limit(
        "It refuses to read a tree in which a name has a backslash, its own or one that was fetched.",
        "UnsafeFilepathError",
    ),
    ("isomorphic-git", "protocol v1"): Limit(
        "It fetches and pushes by version 0, and gives no choice of it.", "version 0 only"
    ),
    ("isomorphic-git", "protocol v2"): Limit("It lists refs by version 2, and does no more with it.", "version 0 only"),
    ("dulwich", "protocol v1"): Limit(
        "Over HTTP it says nothing of version 1, and gets version 0.", r"speaks version \{0\}"
    ),
    ("JGit", "protocol v1"): Limit("It knows versions 0 and 2 only, and takes 1 for 0.", r"speaks version \{0\}"),
    ("go-git", "deepen"): Limit(_OLD_BOUNDARY_STAYS, "another boundary"),
    ("go-git", "unshallow"): Limit(_OLD_BOUNDARY_STAYS, "a boundary is left"),
    ("go-git", "empty repository"): Limit(
        "Its clone of an empty repository is an error, and leaves nothing behind; "
        "the first push from a repository made another way is fine.",
        "remote repository is empty",
    ),
    ("go-git", "protocol v1"): Limit(_ONLY_V0, "version 0 only"),
    ("go-git", "protocol v2"): Limit(_ONLY_V0, "version 0 only"),
}
"""By client and feature. A test of a feature with a limit passes only if it fails as the limit says."""
