"""The events of a push, as receive-pack hears it. Format: gitprotocol-pack(5), "Reference Update Request"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from packengine.protocol._push_certificate import PushCertificate
from packengine.protocol._requests import Client
from packengine.protocol._services import ReceivePackOffer
from packengine.refs.names import is_pushable_ref_name


@dataclass(frozen=True, slots=True)
class Command:
    """Move one ref. Raw ids; all zeros stand for "no value"."""

    old: bytes
    new: bytes
    name: bytes
    """As it came: `command_refusals` says whether it is a name at all."""

    @property
    def is_delete(self) -> bool:
        """Whether the ref shall be gone."""
        return not any(self.new)

    @property
    def is_create(self) -> bool:
        """Whether the client saw no such ref."""
        return not any(self.old)

    @property
    def old_or_none(self) -> bytes | None:
        """The value that the client saw."""
        return None if self.is_create else self.old


@dataclass(frozen=True, slots=True)
class PushCapabilities:
    """What of our offer the client uses."""

    report_status: bool = False
    side_band_64k: bool = False
    quiet: bool = False
    atomic: bool = False
    push_options: bool = False
    client: Client = field(default_factory=Client)

    @classmethod
    def chosen(cls, words: Mapping[bytes, bytes | None], offer: ReceivePackOffer) -> PushCapabilities:
        """Pick what we offered; what we did not is passed over, as in Git."""
        return cls(
            # The versions of the report differ only in option lines, which say that we moved another ref than asked.
            report_status=b"report-status" in words or b"report-status-v2" in words,
            side_band_64k=b"side-band-64k" in words,
            quiet=b"quiet" in words,
            atomic=b"atomic" in words,
            push_options=offer.push_options and b"push-options" in words,
            client=Client.of(words, offer),
        )


@dataclass(frozen=True, slots=True)
class PushCommands:
    """All that comes before the pack. At least one command."""

    commands: tuple[Command, ...]
    capabilities: PushCapabilities
    push_options: tuple[bytes, ...] = ()
    shallow: tuple[bytes, ...] = ()
    """The boundary of a shallow client: commits whose parents it does not have."""

    certificate: PushCertificate | None = None
    """Who claims to have signed these commands; whether that is true is not known yet."""

    @property
    def expects_pack(self) -> bool:
        """Whether a pack follows: it does, perhaps an empty one, unless everything is deleted."""
        return any(not command.is_delete for command in self.commands)


@dataclass(frozen=True, slots=True)
class PackData:
    """Bytes of the pack as they came."""

    data: bytes


def command_refusals(commands: Sequence[Command]) -> list[str | None]:
    """What the commands alone show to be wrong: for each None, or the reason to report.

    A ref that is named twice moves neither time: which value was meant is not ours to guess.
    """
    counts = Counter(command.name for command in commands)
    return [_refusal(command, counts[command.name]) for command in commands]


def _refusal(command: Command, count: int) -> str | None:
    if not is_pushable_ref_name(command.name, deletes=command.is_delete):
        return "funny refname"
    return "multiple updates for ref not allowed" if count > 1 else None
