"""What an operator has settled about pushes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from packengine.protocol import PushCommands
from packengine.refs import HiddenRefs
from packengine.repository.state import RepositoryState
from packengine.signatures import PushCertificates, Signer


@dataclass(frozen=True, slots=True)
class PushPolicy:
    """The same for every repository of a server."""

    hidden_refs: HiddenRefs = field(default_factory=HiddenRefs)
    certificates: PushCertificates | None = None
    """None if no keys are configured: then no certificate is asked for, and none is understood."""

    def nonce(self, state: RepositoryState) -> bytes | None:
        """What a certificate of a push to this repository must bring back, if certificates are verified at all."""
        if self.certificates is None:
            return None
        return self.certificates.nonces.make(nonce_scope(state), time.time())

    def signer(self, request: PushCommands, state: RepositoryState) -> Signer | None:
        """Who certified the push; None if nobody did. Raises CertificateRefused."""
        if self.certificates is None or request.certificate is None:
            return None
        return self.certificates.signer(request, nonce_scope(state), time.time())


def nonce_scope(state: RepositoryState) -> str:
    """What a nonce is good for: this repository, and not another one that gets its id when it is deleted."""
    return f"{state.record.id} {state.record.first_version}"
