"""The answer to ls-refs. Format: gitprotocol-v2(5)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from packengine.protocol import Client, ListedRef, LsRefsRequest, ls_refs_answer
from tests.support import wire_client

OID, PEELED = bytes.fromhex("aa" * 20), bytes.fromhex("bb" * 20)
OID_HEX, PEELED_HEX = b"aa" * 20, b"bb" * 20
REFS: list[ListedRef] = [
    (b"HEAD", OID, None, b"refs/heads/main"),
    (b"refs/heads/main", OID, None, None),
    (b"refs/tags/v1", OID, PEELED, None),
]
UNBORN: ListedRef = (b"HEAD", None, None, b"refs/heads/main")


def request(*prefixes: bytes, peel: bool = False, symrefs: bool = False, unborn: bool = False) -> LsRefsRequest:
    return LsRefsRequest(Client(), peel=peel, symrefs=symrefs, unborn=unborn, ref_prefixes=prefixes)


def answer(asked: LsRefsRequest, refs: list[ListedRef]) -> list[bytes]:
    body = b"".join(ls_refs_answer(asked, refs))
    assert body.endswith(b"0000")
    return wire_client.lines(wire_client.decode(body))


def test_plain_refs_have_a_value_and_a_name() -> None:
    assert answer(request(), REFS) == [OID_HEX + b" HEAD", OID_HEX + b" refs/heads/main", OID_HEX + b" refs/tags/v1"]


def test_peeled_values_and_symref_targets_are_told_when_asked_for() -> None:
    assert answer(request(peel=True, symrefs=True), REFS) == [
        OID_HEX + b" HEAD symref-target:refs/heads/main",
        OID_HEX + b" refs/heads/main",
        OID_HEX + b" refs/tags/v1 peeled:" + PEELED_HEX,
    ]


def test_symref_target_stands_before_peeled_value() -> None:
    ref: ListedRef = (b"HEAD", OID, PEELED, b"refs/heads/main")
    [line] = answer(request(peel=True, symrefs=True), [ref])
    assert line == OID_HEX + b" HEAD symref-target:refs/heads/main peeled:" + PEELED_HEX


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (request(unborn=True, symrefs=True, peel=True), [b"unborn HEAD symref-target:refs/heads/main"]),
        (request(b"HEAD", unborn=True, symrefs=True), [b"unborn HEAD symref-target:refs/heads/main"]),
        (request(b"refs/", unborn=True, symrefs=True), []),
        (request(unborn=True), []),
        (request(symrefs=True), []),
    ],
)
def test_unborn_head_is_told_only_to_a_client_that_asks_for_it_and_for_symrefs(
    asked: LsRefsRequest, lines: list[bytes]
) -> None:
    assert answer(asked, [UNBORN]) == lines


def test_only_selected_refs_are_listed() -> None:
    assert answer(request(b"refs/tags/", b"HEAD"), REFS) == [OID_HEX + b" HEAD", OID_HEX + b" refs/tags/v1"]


def test_nothing_to_list_is_a_flush() -> None:
    assert b"".join(ls_refs_answer(request(), [])) == b"0000"


def test_prefix_is_a_prefix_and_no_folder() -> None:
    refs: list[ListedRef] = [(b"refs/heads/" + name, OID, None, None) for name in (b"m", b"ma", b"main", b"mb")]
    assert answer(request(b"refs/heads/ma"), refs) == [OID_HEX + b" refs/heads/ma", OID_HEX + b" refs/heads/main"]


def test_as_many_prefixes_as_are_allowed_cost_little_for_each_ref() -> None:
    """Held against every prefix, these refs would take a minute."""
    prefixes = [*(b"refs/heads/%05d" % number for number in range(65_000)), b"refs/tags/"]
    refs: list[ListedRef] = [(b"refs/tags/%06d" % number, OID, None, None) for number in range(200_000)]
    started_s = time.process_time()
    chunks = ls_refs_answer(request(*prefixes), refs)
    assert sum(chunk.count(OID_HEX) for chunk in chunks) == len(refs)
    assert time.process_time() - started_s < 10


@pytest.mark.parametrize(
    ("prefixes", "ranges"),
    [
        ([], [b""]),
        ([b""], [b""]),
        ([b"refs/", b"refs/heads/", b"HEAD"], [b"HEAD", b"refs/"]),
        ([b"b", b"a", b"b", b"ab"], [b"a", b"b"]),
        ([b"refs/heads/a", b"refs/heads/b", b""], [b""]),
    ],
)
def test_ranges_meet_each_ref_once(prefixes: list[bytes], ranges: list[bytes]) -> None:
    assert request(*prefixes).ranges() == ranges


def test_answer_is_made_as_it_is_sent_in_large_chunks() -> None:
    taken: list[int] = []

    def refs() -> Iterator[ListedRef]:
        for number in range(100_000):
            taken.append(number)
            yield (b"refs/heads/topic-%06d" % number, OID, None, None)

    chunks = ls_refs_answer(request(), refs())
    assert len(next(chunks)) >= 32 * 1024
    assert len(taken) < 2_000
