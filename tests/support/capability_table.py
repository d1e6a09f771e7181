"""The README's table of capabilities, made of what the server advertises and of the tests that prove it.

Run it to write the table anew: `python -m tests.support.capability_table` from the root.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from packengine.repository import Engine
from packengine.repository.push_policy import PushPolicy
from packengine.signatures import PushCertificates, PushNonces, Signers
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.engines import open_in_memory
from tests.support.git_client import GitClient
from tests.support.named_tests import ROOT
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import decode, lines, parse_advertisement

README = ROOT / "README.md"
_BEGIN = "<!-- Written by `python -m tests.support.capability_table`; a test compares. -->"
_END = "<!-- End of the table. -->"
_ROOT = commit_content()
_PACK = pack_of([entry(TREE, b""), entry(COMMIT, _ROOT)])

_DIFFERENTIAL = "compat/test_fetch_differential.py::test_both_servers_give_the_same_answer"
_LIVES = "e2e/test_same_final_state.py::test_a_clone_ends_up_the_same_whichever_server_it_asks"
_BOUNDARIES = "e2e/test_same_final_state.py::test_every_boundary_by_time_or_exclusion_can_be_unshallowed"
_BY_ID = "e2e/test_fetch_capabilities.py::test_any_object_that_the_refs_reach_is_fetched_by_its_id"
_FILTERS = "e2e/test_fetch_capabilities.py::test_a_partial_clone_holds_what_git_would_have_sent"
_LAZY = "e2e/test_fetch_capabilities.py::test_a_partial_clone_fetches_later_what_it_lacks"
_SHA256 = "e2e/test_fetch_capabilities.py::test_sha256_repositories_are_cloned_fetched_and_pushed"
_LOG = "e2e/test_fetch_capabilities.py::test_agent_and_session_id_of_a_fetch_are_in_the_log"
_PUSH_LOG = "e2e/test_push_capabilities.py::test_session_id_of_the_client_is_in_the_log"
_OFS_DELTA = "unit/test_capabilities_served.py::test_bases_are_named_by_distance_only_to_clients_that_know_how"
_LARGE_PUSH = "e2e/test_push_capabilities.py::test_people_see_the_deltas_of_a_large_pack_being_resolved"
_REPORT = "unit/test_capabilities_served.py::test_a_push_is_reported_to_whoever_wants_a_report"
_LISTING = "unit/test_capabilities_served.py::test_refs_are_listed_with_what_is_asked_for_and_no_more"


@dataclass(frozen=True, slots=True)
class Row:
    """tests: paths below `tests/`. version_2: how version 2 has it where it does not advertise the word."""

    tests: tuple[str, ...]
    version_2: str = ""


def _row(*tests: str, version_2: str = "") -> Row:
    return Row(tests, version_2)


ROWS: Mapping[str, Row] = {
    "multi_ack": _row(_DIFFERENTIAL),
    "multi_ack_detailed": _row(_DIFFERENTIAL),
    "no-done": _row(_DIFFERENTIAL, version_2="always"),
    "side-band": _row(_DIFFERENTIAL),
    "side-band-64k": _row(_DIFFERENTIAL, _LARGE_PUSH, version_2="always"),
    "thin-pack": _row(
        "unit/test_capabilities_served.py::test_deltas_stand_on_what_the_client_has_only_in_a_thin_pack",
        version_2="always",
    ),
    "ofs-delta": _row(_OFS_DELTA, _LARGE_PUSH, version_2="always"),
    "no-progress": _row(
        "unit/test_capabilities_served.py::test_people_see_progress_unless_they_would_rather_not", version_2="always"
    ),
    "include-tag": _row(
        "unit/test_capabilities_served.py::test_tags_come_along_if_they_are_asked_for", version_2="always"
    ),
    "shallow": _row(_LIVES),
    "deepen-since": _row(_BOUNDARIES, version_2="by `shallow`"),
    "deepen-not": _row(_BOUNDARIES, version_2="by `shallow`"),
    "deepen-relative": _row(_LIVES, version_2="by `shallow`"),
    "filter": _row(_FILTERS, _LAZY),
    "allow-tip-sha1-in-want": _row(_BY_ID, version_2="always"),
    "allow-reachable-sha1-in-want": _row(_BY_ID, version_2="always"),
    "symref": _row(
        "e2e/test_fetch_capabilities.py::test_a_clone_checks_out_the_default_branch_although_another_has_its_value",
        version_2="by `ls-refs`",
    ),
    "ls-refs": _row(_LISTING),
    "unborn": _row(
        "unit/test_capabilities_served.py::test_head_of_an_empty_repository_is_told_to_whoever_asks_for_the_unborn"
    ),
    "fetch": _row(_DIFFERENTIAL),
    "ref-in-want": _row("e2e/test_fetch_capabilities.py::test_refs_are_wanted_by_name", _DIFFERENTIAL),
    "sideband-all": _row(_DIFFERENTIAL),
    "wait-for-done": _row(_DIFFERENTIAL),
    "packfile-uris": _row("e2e/test_downloads.py::test_a_clone_takes_large_packs_from_their_urls"),
    "bundle-uri": _row(
        "e2e/test_downloads.py::test_a_clone_begins_with_the_bundle_and_fetches_the_rest",
        "e2e/test_downloads.py::test_newer_gits_ask_for_the_bundle_themselves",
    ),
    "object-info": _row("unit/test_capabilities_served.py::test_sizes_are_told_of_what_the_refs_reach"),
    "size": _row("unit/test_capabilities_served.py::test_sizes_are_told_of_what_the_refs_reach"),
    "server-option": _row("e2e/test_fetch_capabilities.py::test_server_options_are_taken"),
    "report-status": _row(_REPORT),
    "report-status-v2": _row(_REPORT),
    "delete-refs": _row("e2e/test_push_capabilities.py::test_deletion_alone_sends_no_pack"),
    "quiet": _row("e2e/test_push_capabilities.py::test_quiet_clients_hear_nothing"),
    "atomic": _row("e2e/test_bad_pushes.py::test_an_atomic_push_moves_all_refs_or_none"),
    "push-options": _row("e2e/test_push_capabilities.py::test_push_options_are_told_in_the_log_and_not_interpreted"),
    "push-cert": _row("e2e/test_signed_pushes.py::test_push_signed_by_a_known_ssh_key_names_its_holder_in_the_log"),
    "object-format": _row(_SHA256),
    "agent": _row(_LOG, _PUSH_LOG),
    "session-id": _row(_LOG, _PUSH_LOG),
}
"""Every capability by its word, those of fetching first."""

OTHERS: Mapping[str, Row] = {
    "versions 0, 1 and 2": _row("clients/test_protocol_versions.py::test_clone_push_and_fetch_by_version"),
    "negotiation in many rounds": _row(
        "e2e/test_fetch_capabilities.py::test_a_negotiation_takes_as_many_rounds_as_it_needs"
    ),
    "20,000 wants and haves": _row(
        "e2e/test_http_large_negotiation.py::test_20000_wants_and_20000_haves_are_answered_in_bounded_memory"
    ),
    "`ls-refs`: `peel`, `symrefs`, `ref-prefix`": _row(_LISTING),
    "filters `blob:none`, `blob:limit`, `tree`, `object:type`, `sparse:oid`, `combine`": _row(_FILTERS),
    "pushes from shallow clones": _row("e2e/test_shallow_pushes.py::test_new_commits_of_a_shallow_clone_are_taken"),
    "pushes without a pack": _row(
        "e2e/test_push_capabilities.py::test_branch_at_a_stored_commit_needs_no_objects",
        "e2e/test_push_capabilities.py::test_deletion_alone_sends_no_pack",
    ),
    "creation, update, deletion and force in one push": _row(
        "e2e/test_push_capabilities.py::test_creation_update_deletion_and_force_in_one_push"
    ),
    "HTTP/1.1 and HTTP/2, in the clear and over TLS": _row(
        "e2e/test_http_versions.py::test_stock_git_pushes_clones_and_fetches_over_every_transport"
    ),
    "bodies with a length, in chunks, after `Expect: 100-continue`": _row(
        "e2e/test_http_bodies.py::test_stock_git_pushes_chunked_and_with_a_length_and_with_an_expectation"
    ),
    "gzipped bodies": _row("e2e/test_http_bodies.py::test_stock_git_fetches_with_many_wants_which_it_gzips"),
    "a probe in front of a large push": _row(
        "e2e/test_http_bodies.py::test_stock_git_probes_before_a_large_chunked_push"
    ),
    "connections that stay": _row("e2e/test_http_connections.py::test_a_connection_serves_many_requests_of_every_kind"),
    "paths with and without `.git`": _row(
        "e2e/test_http_connections.py::test_a_target_may_be_absolute_or_percent_encoded"
    ),
    "a token as password, as user name, as Bearer": _row(
        "e2e/test_http_access.py::test_stock_git_pushes_and_clones_with_its_token_anywhere"
    ),
}
"""What no capability says."""


@dataclass(frozen=True, slots=True)
class Advertised:
    """What the server offers, by word; with a `yes` or with the command of version 2 that has the word in its value."""

    legacy: Mapping[str, str]
    version_2: Mapping[str, str]
    push: Mapping[str, str]

    def words(self) -> set[str]:
        """All of them."""
        return {*self.legacy, *self.version_2, *self.push}


def advertised() -> Advertised:
    """Ask the Git application, over a store in memory, with somebody's key configured. Raises if 0 and 1 differ."""
    with tempfile.TemporaryDirectory() as folder:
        certificates = PushCertificates(Signers([], []), PushNonces(b"key"))
        engine = open_in_memory(Path(folder), policy=PushPolicy(certificates=certificates))
        engine.create_repository("project", ACTOR)
        begin_push(engine, "project", [(NULL, oid_of(COMMIT, _ROOT), b"refs/heads/main")], _PACK).finish()
        try:
            ask = partial(_ask, engine)
            fetches = [_by_name(parse_advertisement(ask("git-upload-pack", n)).capabilities) for n in (0, 1)]
            pushes = [_by_name(parse_advertisement(ask("git-receive-pack", n)).capabilities) for n in (0, 1, 2)]
            version_2 = _by_command(lines(decode(ask("git-upload-pack", 2)))[1:])
        finally:
            engine.close()
    if fetches[0] != fetches[1] or not pushes[0] == pushes[1] == pushes[2]:
        raise AssertionError("the versions before 2 advertise different things")
    return Advertised(fetches[0], version_2, pushes[0])


def _ask(engine: Engine, service: str, version: int) -> bytes:
    client = GitClient(engine)
    trio.run(partial(client.list_refs, service, version=version))
    return client.body


def _by_name(capabilities: list[bytes]) -> dict[str, str]:
    return {capability.partition(b"=")[0].decode(): "yes" for capability in capabilities}


def _by_command(keys: list[bytes]) -> dict[str, str]:
    """The keys, and the words in the values of commands."""
    found = _by_name(keys)
    for key in keys:
        name, _, value = key.decode().partition("=")
        if name in _COMMANDS_WITH_WORDS:
            found |= dict.fromkeys(value.split(), f"`{name}=`")
    return found


_COMMANDS_WITH_WORDS = {"ls-refs", "fetch", "object-info"}


def tables(told: Advertised) -> str:
    """Both tables, as the README has them."""
    head = ["", "fetch v0, v1", "fetch v2", "push", "tests"]
    capabilities = _table(head, [_cells(name, row, told) for name, row in ROWS.items()])
    others = _table(["", "tests"], [[name, _names(row)] for name, row in OTHERS.items()])
    return f"{capabilities}\n{others}"


def _cells(name: str, row: Row, told: Advertised) -> list[str]:
    version_2 = told.version_2.get(name, row.version_2)
    return [f"`{name}`", told.legacy.get(name, ""), version_2, told.push.get(name, ""), _names(row)]


def _names(row: Row) -> str:
    return "<br>".join(f"`tests/{test}`" for test in row.tests)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines_of_cells = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines_of_cells)


def readme_with(block: str, readme: str) -> str:
    """The README with that between its two comments. Raises ValueError if they are not there."""
    before, rest = readme.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n\n{block}\n{_END}{after}"


if __name__ == "__main__":
    README.write_text(readme_with(tables(advertised()), README.read_text(encoding="utf-8")), encoding="utf-8")
