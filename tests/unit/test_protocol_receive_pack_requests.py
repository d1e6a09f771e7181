"""What a push says, and what breaks it. Format: gitprotocol-pack(5)."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol import (
    Client,
    Command,
    PackData,
    ProbeRequest,
    PushCapabilities,
    PushCommands,
    ReceivePackEvent,
    ReceivePackOffer,
    ReceivePackRequestParser,
    RemoteProtocolError,
    WireLimits,
    command_refusals,
)
from tests.support import wire_client

OFFER = ReceivePackOffer(agent=b"packhouse/1", push_options=True)
NULL, A, B = bytes(20), b"\xaa" * 20, b"\xbb" * 20
NULL_HEX, A_HEX, B_HEX = b"0" * 40, b"aa" * 20, b"bb" * 20
MAIN = b"refs/heads/main"
CREATE = NULL_HEX + b" " + A_HEX + b" " + MAIN


def parse(body: bytes, *, offer: ReceivePackOffer = OFFER, limits: WireLimits | None = None) -> list[ReceivePackEvent]:
    parser = ReceivePackRequestParser(offer, limits or WireLimits())
    events = parser.feed(body)
    parser.finish()
    return events


def commands_of(body: bytes, *, offer: ReceivePackOffer = OFFER) -> PushCommands:
    first = parse(body, offer=offer)[0]
    assert isinstance(first, PushCommands)
    return first


def refusal(*packets: Packet, limits: WireLimits | None = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(encode_many(packets), limits=limits)
    return caught.value.sentence.decode()


def test_push_is_read_as_git_sends_it() -> None:
    words = b" report-status-v2 side-band-64k quiet atomic object-format=sha1 agent=git/2.39.5"
    second = A_HEX + b" " + NULL_HEX + b" refs/heads/old\n"
    assert parse(encode_many([CREATE + b"\0" + words, second, FLUSH]) + b"PACK...") == [
        PushCommands(
            commands=(Command(NULL, A, MAIN), Command(A, NULL, b"refs/heads/old")),
            capabilities=PushCapabilities(
                report_status=True,
                side_band_64k=True,
                quiet=True,
                atomic=True,
                client=Client(agent=b"git/2.39.5"),
            ),
        ),
        PackData(b"PACK..."),
    ]


def test_pack_data_is_passed_through_untouched() -> None:
    parser = ReceivePackRequestParser(OFFER, WireLimits())
    parser.feed(wire_client.push_request([(NULL, A, MAIN)]))
    piece = b"0000zzzz" * 10
    [event] = parser.feed(piece)
    assert isinstance(event, PackData)
    assert event.data is piece
    assert parser.feed(b"") == []
    parser.finish()


def test_command_knows_what_it_does() -> None:
    create, update, delete = Command(NULL, A, MAIN), Command(A, B, MAIN), Command(A, NULL, MAIN)
    assert [each.is_create for each in (create, update, delete)] == [True, False, False]
    assert [each.is_delete for each in (create, update, delete)] == [False, False, True]
    assert [each.old_or_none for each in (create, update, delete)] == [None, A, A]


def test_pack_is_expected_unless_everything_is_deleted() -> None:
    delete = commands_of(wire_client.push_request([(A, NULL, MAIN), (B, NULL, b"refs/heads/x")]))
    mixed = commands_of(wire_client.push_request([(A, NULL, MAIN), (B, A, b"refs/heads/x")]))
    assert (delete.expects_pack, mixed.expects_pack) == (False, True)


def test_pack_behind_deletions_alone_is_passed_over() -> None:
    body = wire_client.push_request([(A, NULL, MAIN)], b"PACK")
    parser = ReceivePackRequestParser(OFFER, WireLimits())
    assert [type(event) for event in parser.feed(body)] == [PushCommands]
    assert parser.feed(b"more") == []
    parser.finish()


def test_lone_flush_is_a_probe() -> None:
    assert parse(b"0000") == [ProbeRequest()]


def test_shallow_boundary_without_commands_asks_for_nothing() -> None:
    assert parse(encode_many([b"shallow " + A_HEX, FLUSH])) == [ProbeRequest()]


def test_shallow_boundary_comes_before_the_commands() -> None:
    pushed = commands_of(wire_client.push_request([(NULL, A, MAIN)], shallow=[A, B]))
    assert pushed.shallow == (A, B)
    assert len(pushed.commands) == 1


def test_push_options_are_read_when_the_client_asked_for_them() -> None:
    body = wire_client.push_request(
        [(NULL, A, MAIN)], b"PACK", capabilities=b"push-options", push_options=[b"ci.skip\n", b"x=y"]
    )
    commands, data = parse(body)
    assert isinstance(commands, PushCommands)
    assert commands.push_options == (b"ci.skip", b"x=y")
    assert data == PackData(b"PACK")


def test_push_options_that_were_not_offered_are_not_expected() -> None:
    body = wire_client.push_request([(NULL, A, MAIN)], b"PACK", capabilities=b"push-options")
    commands, data = parse(body, offer=ReceivePackOffer(agent=b"a"))
    assert isinstance(commands, PushCommands)
    assert commands.capabilities.push_options is False
    assert data == PackData(b"PACK")


def test_client_that_names_no_capabilities_gets_none() -> None:
    assert commands_of(encode_many([CREATE + b"\n", FLUSH])).capabilities == PushCapabilities()


def test_unknown_capabilities_are_passed_over() -> None:
    pushed = commands_of(encode_many([CREATE + b"\0report-status push-cert=x session-id=y foo", FLUSH]))
    assert pushed.capabilities == PushCapabilities(report_status=True)


def test_session_id_is_heard_if_we_offer_ours() -> None:
    offer = ReceivePackOffer(agent=b"a", session_id=b"ours")
    pushed = commands_of(encode_many([CREATE + b"\0session-id=theirs", FLUSH]), offer=offer)
    assert pushed.capabilities.client.session_id == b"theirs"


def test_capabilities_are_known_as_soon_as_the_first_command_is() -> None:
    parser = ReceivePackRequestParser(OFFER, WireLimits())
    assert parser.capabilities is None
    parser.feed(encode_many([CREATE + b"\0side-band-64k"]))
    assert parser.capabilities == PushCapabilities(side_band_64k=True)


def test_ref_name_may_hold_spaces_here_and_is_judged_later() -> None:
    [command] = commands_of(encode_many([CREATE + b" and more", FLUSH])).commands
    assert command.name == MAIN + b" and more"


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        NULL_HEX,
        NULL_HEX + b" " + A_HEX,
        NULL_HEX + b" " + A_HEX + b" ",
        NULL_HEX + b"  " + A_HEX + b" " + MAIN,
        b"0" * 64 + b" " + A_HEX + b" " + MAIN,
        NULL_HEX + b" " + b"a" * 64 + b" " + MAIN,
        b"0" * 64 + b" " + b"a" * 64 + b" " + MAIN,
        NULL_HEX + b" " + b"g" * 40 + b" " + MAIN,
        b"want " + A_HEX,
    ],
)
def test_line_that_is_no_command_fails_the_push(line: bytes) -> None:
    assert refusal(line, FLUSH) == f"protocol error: expected old/new/ref, got '{line.decode()}'"


@pytest.mark.parametrize(
    ("packets", "sentence"),
    [
        ([b"shallow zz"], "protocol error: expected shallow sha, got 'zz'"),
        ([b"shallow "], "protocol error: expected shallow sha, got ''"),
        ([CREATE + b"\0object-format=sha256"], "error: unsupported object format 'sha256'"),
        ([CREATE + b"\0object-format"], "error: unsupported object format ''"),
        ([b"push-cert\0push-cert=x"], "protocol error: push certificates are not accepted here"),
        ([CREATE, DELIM], "protocol error: got an unexpected packet 0001"),
        ([CREATE, CREATE + b"\0atomic"], f"behind a second command, '{CREATE.decode()}'"),
    ],
)
def test_broken_push_is_refused_in_gits_words(packets: list[Packet], sentence: str) -> None:
    assert refusal(*packets).endswith(sentence)


def test_client_that_names_no_object_format_means_sha1() -> None:
    offer = ReceivePackOffer(agent=b"a", object_format="sha256")
    line = b"0" * 64 + b" " + b"aa" * 32 + b" " + MAIN
    with pytest.raises(RemoteProtocolError, match="unsupported object format 'sha1'"):
        parse(encode_many([line, FLUSH]), offer=offer)
    pushed = commands_of(encode_many([line + b"\0object-format=sha256", FLUSH]), offer=offer)
    assert pushed.commands == (Command(bytes(32), b"\xaa" * 32, MAIN),)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (WireLimits(max_commands=1), "a push of more than 1 refs"),
        (WireLimits(max_shallows=1), "more than 1 shallow lines"),
        (WireLimits(max_push_options=1), "more than 1 push options"),
        (WireLimits(max_push_option_bytes=5), "push options of more than 5 bytes"),
        (WireLimits(max_pkt_lines=3), "more than 3 pkt-lines"),
        (WireLimits(max_request_bytes=150), "more than 150 bytes of pkt-lines"),
        (WireLimits(max_capability_bytes=10), "a capability list of 52 bytes, more than 10"),
    ],
)
def test_each_limit_is_named_when_it_is_passed(limits: WireLimits, sentence: str) -> None:
    body = wire_client.push_request(
        [(NULL, A, MAIN), (NULL, A, b"refs/heads/x")],
        capabilities=b"push-options",
        push_options=[b"one", b"two"],
        shallow=[A, B],
    )
    with pytest.raises(RemoteProtocolError) as caught:
        parse(body, limits=limits)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("length", [0, 3, 4, 100, -1])
def test_commands_that_end_early_are_refused(length: int) -> None:
    parser = ReceivePackRequestParser(OFFER, WireLimits())
    assert parser.feed(wire_client.push_request([(NULL, A, MAIN)])[:length]) == []
    with pytest.raises(RemoteProtocolError, match="the remote end hung up unexpectedly"):
        parser.finish()


def test_broken_parser_stays_broken() -> None:
    parser = ReceivePackRequestParser(OFFER, WireLimits())
    with pytest.raises(RemoteProtocolError) as first:
        parser.feed(b"zzzz")
    with pytest.raises(RemoteProtocolError) as again:
        parser.feed(b"0000")
    assert again.value is first.value


@pytest.mark.parametrize(
    ("commands", "refusals"),
    [
        ([Command(NULL, A, MAIN), Command(A, NULL, b"refs/tags/v1")], [None, None]),
        ([Command(NULL, A, b"refs/heads/../x"), Command(NULL, A, MAIN)], ["funny refname", None]),
        ([Command(NULL, A, b"HEAD")], ["funny refname"]),
        # One level below refs/ cannot be pushed, but what is there already can be deleted.
        ([Command(NULL, A, b"refs/stash")], ["funny refname"]),
        ([Command(A, NULL, b"refs/stash")], [None]),
        (
            [Command(NULL, A, MAIN), Command(NULL, A, b"refs/heads/x"), Command(NULL, B, MAIN)],
            ["multiple updates for ref not allowed", None, "multiple updates for ref not allowed"],
        ),
        # Deleting what is not there is judged where the refs are known.
        ([Command(NULL, NULL, MAIN)], [None]),
    ],
)
def test_bad_names_and_repetitions_refuse_their_command_and_no_other(
    commands: list[Command], refusals: list[str | None]
) -> None:
    assert command_refusals(commands) == refusals
