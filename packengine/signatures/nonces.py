"""Nonces of push certificates: `<unix seconds>-<HMAC>`, proof that a certificate was made for us and lately.

Nothing is kept of a nonce. Whoever knows the key can tell that it was ours: over HTTP the advertisement that offers it
and the push that brings it back are two requests, maybe to two workers or nodes. What it does not do is to make a
certificate good for one push only; the old values that a certificate names do that, as long as the refs do not come
back to them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

from packengine.signatures.errors import CertificateRefused

MAX_AGE_S = 15 * 60
"""From the advertisement to the push: a signer may have to find a security key and touch it."""

MAX_AHEAD_S = 60
"""How far the clock of the node that made it may be ahead of ours."""

_FORM = re.compile(rb"([1-9][0-9]{0,14})-[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PushNonces:
    """Makes nonces and knows its own. key: the same on every node, and used for nothing else."""

    key: bytes = field(repr=False)

    def make(self, scope: str, now_s: float) -> bytes:
        """A nonce for a push to one repository, and to no other. scope: what names it, for ever."""
        seconds = b"%d" % int(now_s)
        text = seconds + b"\0" + scope.encode()
        return seconds + b"-" + hmac.new(self.key, text, hashlib.sha256).hexdigest().encode()

    def check(self, nonce: bytes | None, scope: str, now_s: float) -> None:
        """Raises CertificateRefused unless it is ours, for this repository, and fresh."""
        if nonce is None:
            raise CertificateRefused("push certificate has no nonce")
        form = _FORM.fullmatch(nonce)
        made_s = int(form[1]) if form is not None else 0
        if form is None or not hmac.compare_digest(self.make(scope, made_s), nonce):
            raise CertificateRefused("push certificate has a nonce that is not of this repository")
        if not -MAX_AHEAD_S <= now_s - made_s <= MAX_AGE_S:
            raise CertificateRefused(f"push certificate has a stale nonce: it is good for {MAX_AGE_S // 60} minutes")
