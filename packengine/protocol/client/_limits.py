"""How much of a remote's answers is taken in (design, law 9)."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.protocol._limits import MEBIBYTE


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """Bounds on the answers of one remote. The defaults let a mirror of 500,000 refs be imported."""

    max_refs: int = 600_000
    max_listing_bytes: int = 256 * MEBIBYTE
    """Of an advertisement, or of the answer to ls-refs."""

    max_capability_bytes: int = 65_536
    """Of one capability line of version 2, or of the whole list behind the NUL before it."""

    max_capabilities: int = 1_000
    max_pack_bytes: int = 2048 * MEBIBYTE
    max_progress_bytes: int = 64 * MEBIBYTE
    """Of the words beside one pack: hours of a line in each tenth of a second."""

    max_acknowledgments: int = 100_000
    """Of one answer: more than there are haves in any request of ours."""

    @property
    def max_listing_packets(self) -> int:
        """A tag has two lines in the advertisements before version 2; markers and capabilities come on top."""
        return 2 * self.max_refs + self.max_capabilities + 100

    @property
    def max_answer_bytes(self) -> int:
        """Of the answer to a fetch: its pack, what frames it even in small packets, and words."""
        return self.max_pack_bytes + self.max_pack_bytes // 8 + self.max_progress_bytes + 16 * MEBIBYTE
