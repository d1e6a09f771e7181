"""How long to wait before a worker that died is started again."""

from __future__ import annotations

FIRST_DELAY_S = 0.1
MAX_DELAY_S = 30.0
STEADY_LIFE_S = 60.0
"""A worker that lived this long did not die of something that a quick restart would meet at once."""


class RestartDelay:
    """Doubles with every short life, and starts over after a steady one."""

    def __init__(self) -> None:
        self._next_s = FIRST_DELAY_S

    def after_life_of(self, lived_s: float) -> float:
        """The wait that follows a life of `lived_s` seconds."""
        if lived_s >= STEADY_LIFE_S:
            self._next_s = FIRST_DELAY_S
        delay_s = self._next_s
        self._next_s = min(delay_s * 2, MAX_DELAY_S)
        return delay_s
