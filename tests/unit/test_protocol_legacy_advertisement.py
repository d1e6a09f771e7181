"""What a fetching client of version 0 or 1 hears first. Whole ones are compared with Git's in tests/compat."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from packengine.protocol import (
    ListedRef,
    LocalProtocolError,
    ProtocolVersion,
    Service,
    UploadPackOffer,
    advertise_upload_pack,
    service_preamble,
)
from tests.support import wire_client

A, B = bytes([0xAA]) * 20, bytes([0xBB]) * 20
OFFER = UploadPackOffer(agent=b"packhouse/1 (x)", session_id=b"a b")
HEAD: ListedRef = (b"HEAD", A, None, b"refs/heads/main")
MAIN: ListedRef = (b"refs/heads/main", A, None, None)
TAG: ListedRef = (b"refs/tags/v1", B, A, None)


def advertise(*refs: ListedRef, offer: UploadPackOffer = OFFER, version: ProtocolVersion = ProtocolVersion.V0) -> bytes:
    return b"".join(advertise_upload_pack(offer, refs, version))


def capabilities(*refs: ListedRef, offer: UploadPackOffer = OFFER) -> list[bytes]:
    return wire_client.parse_advertisement(advertise(*refs, offer=offer)).capabilities


def test_refs_are_listed_with_what_tags_stand_for() -> None:
    body = advertise(HEAD, MAIN, TAG)
    assert body.startswith(service_preamble(Service.UPLOAD_PACK) + b"01")
    assert body.endswith(b"0000")
    assert body.count(b"\0") == 1
    assert list(wire_client.parse_advertisement(body).refs.items()) == [
        (b"HEAD", A),
        (b"refs/heads/main", A),
        (b"refs/tags/v1", B),
        (b"refs/tags/v1^{}", A),
    ]


def test_everything_that_works_is_offered_in_gits_order() -> None:
    assert capabilities(HEAD, MAIN) == (
        b"multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since deepen-not deepen-relative "
        b"no-progress include-tag multi_ack_detailed allow-tip-sha1-in-want allow-reachable-sha1-in-want no-done "
        b"symref=HEAD:refs/heads/main filter object-format=sha1 agent=packhouse/1.(x) session-id=a.b"
    ).split(b" ")


def test_what_the_offer_leaves_out_is_not_told() -> None:
    bare = capabilities(HEAD, offer=UploadPackOffer(agent=b"a", fetch_features=frozenset()))
    full = capabilities(HEAD, offer=UploadPackOffer(agent=b"a"))
    assert set(full) - set(bare) == {b"shallow", b"deepen-since", b"deepen-not", b"deepen-relative", b"filter"}


@pytest.mark.parametrize(
    ("refs", "names"),
    [
        ([(b"HEAD", None, None, b"refs/heads/main")], []),
        ([(b"HEAD", None, None, b"refs/heads/new"), MAIN], [b"refs/heads/main"]),
        ([(b"HEAD", A, None, None), MAIN], [b"HEAD", b"refs/heads/main"]),
        ([MAIN], [b"refs/heads/main"]),
    ],
    ids=["empty", "unborn", "detached", "hidden"],
)
def test_target_is_told_only_of_a_head_that_has_one_and_is_born(refs: list[ListedRef], names: list[bytes]) -> None:
    body = advertise(*refs)
    assert list(wire_client.parse_advertisement(body).refs) == names
    assert b"symref" not in body


def test_empty_repository_has_capabilities_in_place_of_a_ref() -> None:
    sha256 = UploadPackOffer(agent=b"a", object_format="sha256")
    assert b"%b capabilities^{}\0multi_ack " % (b"0" * 64) in advertise(offer=sha256)


def test_version_1_is_version_0_behind_a_line() -> None:
    old, new = (advertise(HEAD, MAIN, version=version) for version in (ProtocolVersion.V0, ProtocolVersion.V1))
    preamble = service_preamble(Service.UPLOAD_PACK)
    assert new == preamble + b"000eversion 1\n" + old.removeprefix(preamble)


def test_version_2_is_advertised_elsewhere() -> None:
    with pytest.raises(LocalProtocolError):
        advertise(HEAD, version=ProtocolVersion.V2)


def test_advertisement_is_made_as_it_is_sent() -> None:
    taken: list[int] = []

    def refs() -> Iterator[ListedRef]:
        for number in range(100_000):
            taken.append(number)
            yield (b"refs/heads/%06d" % number, A, None, None)

    chunks = advertise_upload_pack(OFFER, refs(), ProtocolVersion.V0)
    next(chunks)
    assert len(next(chunks)) >= 32 * 1024
    assert len(taken) < 2_000
