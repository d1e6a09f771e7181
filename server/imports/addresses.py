"""Where imports may go: a client of ours must not reach through us what only we can reach.

An address is judged by what it is, not by what a name promises, in the moment in which it is connected to. What is
inside another address (IPv4 in IPv6, by mapping or NAT64) is judged by the inner one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self, TypeAlias

from server.imports.failures import AddressRefused

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class Reach(Enum):
    """Who can reach an address."""

    PUBLIC = auto()
    PRIVATE = auto()
    """This machine, or the networks around it."""

    SPECIAL = auto()
    """Neither: link-local (where clouds keep credentials), multicast, reserved, tunnels of the past, unspecified."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


_PRIVATE = (
    *_networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
    *_networks("::1", "fc00::/7"),
)
_SPECIAL = (
    *_networks("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
    *_networks("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    *_networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that has been given out of IPv6; the rest is refused, whatever it will be for."""

_NAT64 = IPv6Network("64:ff9b::/96")


def reach_of(address: Address) -> Reach:
    """How far it can be reached from."""
    inner = _inner(address)
    if any(inner in network for network in _PRIVATE):
        return Reach.PRIVATE
    if any(inner in network for network in _SPECIAL):
        return Reach.SPECIAL
    is_public = inner.is_global and (inner.version == 4 or inner in _GLOBAL_IPV6)
    return Reach.PUBLIC if is_public else Reach.SPECIAL


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What an operator has settled."""

    allow_private: bool = False
    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    """Names whose addresses are allowed, whatever these are."""

    @classmethod
    def of(cls, allowed: Sequence[str], *, allow_private: bool = False) -> Self:
        """allowed: networks as 10.1.0.0/16, addresses, and names of hosts. Raises ValueError for what is none."""
        networks: list[Network] = []
        hosts: set[str] = set()
        for word in allowed:
            try:
                networks.append(ip_network(word))
            except ValueError:
                hosts.add(_checked_host(word))
        return cls(allow_private, tuple(networks), frozenset(hosts))

    def check(self, host: str, text: str, *, is_encrypted: bool) -> None:
        """Raises AddressRefused unless an import may connect to this address, which the name of the host led to.

        In the clear only where an operator allowed it: a token that travels the world is to be encrypted.
        """
        address = _parsed(host, text)
        is_listed = host in self.hosts or any(_inner(address) in network for network in self.networks)
        if is_listed:
            return
        reach = reach_of(address)
        if reach is Reach.PUBLIC and is_encrypted:
            return
        if reach is Reach.PUBLIC:
            raise AddressRefused(f"{host}: only https is spoken to hosts of the internet")
        if reach is Reach.SPECIAL or not self.allow_private:
            # Not which one: that would tell strangers what only the server's resolver knows.
            raise AddressRefused(f"{host} is at an address that imports may not go to")


def _parsed(host: str, text: str) -> Address:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise AddressRefused(f"{host} is at an address that cannot be read") from error
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise AddressRefused(f"{host} is at an address of one link")
    return address


def _checked_host(word: str) -> str:
    letters = word.replace("-", "").replace(".", "")
    if not (letters.isascii() and letters.isalnum()) or any(map(str.isupper, word)) or word[0] in "-.":
        raise ValueError(f"{word!r} is neither a network, as 10.0.0.0/8, nor the name of a host in small letters")
    return word
