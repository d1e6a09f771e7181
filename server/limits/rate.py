"""A rate as operators write it: `600/10` is 600 at once and 10 a second, `20/10m` 20 at once and 10 a minute."""

from __future__ import annotations

import re
from dataclasses import dataclass

OFF = "off"
_RATE = re.compile(r"(?P<burst>[0-9]{1,9})/(?P<count>[0-9]{1,9})(?P<unit>[smh]?)")
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600}
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then one each `interval_ns`."""

    burst: int
    interval_ns: int

    @property
    def slack_ns(self) -> int:
        """How far ahead of the clock somebody may be who has used all but one of what may come at once."""
        return (self.burst - 1) * self.interval_ns


def parse_rate(text: str) -> Rate | None:
    """A rate, or None for `off`. Raises ValueError."""
    if text == OFF:
        return None
    match = _RATE.fullmatch(text)
    if match is None or not (burst := int(match["burst"])) or not (count := int(match["count"])):
        raise ValueError(f"{text[:40]!r} is neither BURST/COUNT, as 600/10 or 20/10m, nor {OFF!r}")
    return Rate(burst, max(1, _UNIT_S[match["unit"]] * _NS_PER_S // count))
