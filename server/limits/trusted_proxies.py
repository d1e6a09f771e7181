"""From which address a request came, where proxies pass it on."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


class TrustedProxies:
    """The networks whose word is taken for where a request came from."""

    def __init__(self, networks: Sequence[str]) -> None:
        """networks: `10.0.0.0/8`, or single addresses. Raises ValueError."""
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def client_address(self, peer: str | None, forwarded_for: str | None) -> str | None:
        """The last address that no trusted proxy is, going back from the connection.

        forwarded_for: the values of X-Forwarded-For, to which each proxy adds the address it was called from. What
        comes before the first address that is not to be trusted, a client may have made up.
        """
        if not self._networks or peer is None or not self._is_trusted(peer):
            return peer
        address = peer
        for hop in reversed((forwarded_for or "").split(",")):
            if not _is_address(hop.strip()):
                break
            address = hop.strip()
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
