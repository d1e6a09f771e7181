"""What came with a publish beside its refs and packs."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.signatures import Signer


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the client said of a publish and what was proved of it; told on with the publish, never interpreted."""

    push_options: tuple[bytes, ...] = ()
    """As they came, in their order."""

    signer: Signer | None = None
    """Who certified the push, if anybody did."""

    def log_fields(self) -> dict[str, object]:
        """What a log line says of it: nothing of what there is none of."""
        fields: dict[str, object] = {}
        if self.push_options:
            fields["push_options"] = [option.decode(errors="backslashreplace") for option in self.push_options]
        if self.signer is not None:
            fields["signer"] = self.signer.identity
            fields["signing_key"] = self.signer.key
        return fields


NOTHING_SAID = Provenance()
