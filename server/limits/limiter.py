"""Which rate counts for whom."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from server.limits.ledger import Ledger
from server.limits.rate import Rate
from server.limits.rate_class import RateClass
from server.limits.trusted_proxies import TrustedProxies

_NO_PROXIES = TrustedProxies(())
_NS_PER_S = 1_000_000_000
_IPV6_HOST_BITS = 64
"""Whoever has one address of a /64 has all of them."""


class RateLimiter:
    """Counts the requests of subjects and of addresses, each class on its own."""

    def __init__(
        self,
        rates: Mapping[RateClass, Rate | None],
        ledger: Ledger,
        proxies: TrustedProxies = _NO_PROXIES,
    ) -> None:
        """rates: a class that is not there, or has None, is not limited."""
        self._rates = rates
        self._ledger = ledger
        self._proxies = proxies

    def subject_wait_s(self, rate_class: RateClass, subject: str) -> int:
        """Count a request of somebody known. 0, or in how many seconds to come back; then it is not counted."""
        return self._wait_s(rate_class, f"subject {subject}")

    def address_wait_s(self, rate_class: RateClass, peer: str | None, forwarded_for: str | None) -> int:
        """The same of somebody unknown, by the address that the request came from: see TrustedProxies."""
        if self._rates.get(rate_class) is None:
            return 0
        return self._wait_s(rate_class, f"address {_network(self._proxies.client_address(peer, forwarded_for))}")

    def _wait_s(self, rate_class: RateClass, name: str) -> int:
        rate = self._rates.get(rate_class)
        if rate is None:
            return 0
        return -(-self._ledger.take(f"{rate_class.value} {name}", rate) // _NS_PER_S)


def _network(address: str | None) -> str:
    """What counts as one client: an IPv4 address, or 64 bits of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(int(parsed) >> _IPV6_HOST_BITS)
    return address or ""
