"""Where imports may go."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from server.imports.addresses import AddressPolicy, Reach, reach_of
from server.imports.failures import AddressRefused

PUBLIC = ["140.82.121.3", "8.8.8.8", "100.63.255.255", "100.128.0.1", "2606:50c0:8000::153", "64:ff9b::8c52:7903"]
PRIVATE = [
    *("127.0.0.1", "127.255.0.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *("100.127.255.255", "::1", "fc00::1", "fdff::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"),
    "64:ff9b::a00:1",
]
SPECIAL = [
    *("0.0.0.255", "0.1.2.3", "169.254.169.254", "169.254.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1"),
    *("255.255.255.255", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
    *("::", "fe80::1", "fec0::1", "ff02::1", "2001:db8::1", "2002:7f00:1::", "2001:0:1::1", "2001:20::1", "3fff::1"),
    *("::7f00:1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "100::1", "4000::1", "5f00::1"),
    "fd00::1%eth0",
]


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        *((text, Reach.PUBLIC) for text in PUBLIC),
        *((text, Reach.PRIVATE) for text in PRIVATE),
        *((text, Reach.SPECIAL) for text in SPECIAL if "%" not in text),
    ],
)
def test_an_address_is_judged_by_what_it_is(text: str, reach: Reach) -> None:
    assert reach_of(ip_address(text)) is reach


def admits(policy: AddressPolicy, text: str, host: str = "git.example", *, is_encrypted: bool = True) -> bool:
    try:
        policy.check(host, text, is_encrypted=is_encrypted)
    except AddressRefused:
        return False
    return True


def test_by_default_only_public_addresses_are_admitted() -> None:
    policy = AddressPolicy.of([])
    assert all(admits(policy, text) for text in PUBLIC)
    assert not any(admits(policy, text) for text in PRIVATE + SPECIAL)


def test_a_refusal_does_not_tell_what_a_name_leads_to() -> None:
    with pytest.raises(AddressRefused) as refusal:
        AddressPolicy.of([]).check("git.example", "10.0.0.1", is_encrypted=True)
    assert "10.0.0.1" not in str(refusal.value)


def test_public_addresses_are_never_spoken_to_in_the_clear() -> None:
    policy = AddressPolicy.of([], allow_private=True)
    assert not any(admits(policy, text, is_encrypted=False) for text in PUBLIC)
    assert all(admits(policy, text, is_encrypted=False) for text in PRIVATE)


def test_allowing_the_private_ones_allows_nothing_special() -> None:
    policy = AddressPolicy.of([], allow_private=True)
    assert all(admits(policy, text) for text in PUBLIC + PRIVATE)
    assert not any(admits(policy, text) for text in SPECIAL)


def test_a_listed_network_is_admitted_also_in_the_clear() -> None:
    policy = AddressPolicy.of(["10.1.0.0/16", "fd00::/64"])
    assert admits(policy, "10.1.2.3", is_encrypted=False)
    assert admits(policy, "::ffff:10.1.2.3")
    assert admits(policy, "fd00::9")
    assert not admits(policy, "10.2.0.1")
    assert not admits(policy, "fd00:1::9")


def test_a_listed_host_is_admitted_whatever_its_address() -> None:
    policy = AddressPolicy.of(["git.lan", "169.254.169.254"])
    assert admits(policy, "10.1.2.3", "git.lan", is_encrypted=False)
    assert not admits(policy, "10.1.2.3", "other.lan")
    assert not admits(policy, "10.1.2.3", "a.git.lan")
    assert admits(policy, "169.254.169.254", "anything")


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "0x7f000001", "2130706433", "fe80::1%eth0"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused):
        AddressPolicy.of([], allow_private=True).check("git.example", text, is_encrypted=True)


@pytest.mark.parametrize("word", ["10.0.0.1/8", "Git.lan", "https://git.lan", "git.lan:443", "-x", "*.lan", "a_b"])
def test_what_is_neither_a_network_nor_a_host_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="neither a network"):
        AddressPolicy.of([word])
