"""What a pushing client hears while its pack is resolved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import trio
from trio.testing import MockClock

from packengine.protocol import PushCapabilities
from packengine.repository import DeltaCount
from packengine.sideband import KEEP_ALIVE, PROGRESS_BAND, encode_band
from server.git.push_progress import TICK_S, PushProgress, last_words

LOUD = PushCapabilities(side_band_64k=True)
QUIET = PushCapabilities(side_band_64k=True, quiet=True)
NO_BANDS = PushCapabilities()


@dataclass
class Hearer:
    """A client, and when it heard what."""

    heard: list[tuple[float, bytes]] = field(default_factory=list)

    async def write(self, data: bytes) -> None:
        self.heard.append((trio.current_time(), data))


def line(text: str) -> bytes:
    return encode_band(PROGRESS_BAND, text.encode())


async def hear(
    counts: Sequence[DeltaCount], capabilities: PushCapabilities, seconds: float
) -> list[tuple[float, bytes]]:
    """What is heard in so many seconds; the count of each second, the last one for ever."""
    hearer, start = Hearer(), trio.current_time()
    moving: Iterator[DeltaCount] = iter(counts)
    last = counts[-1]
    progress = PushProgress(hearer.write, capabilities, lambda: next(moving, last))
    while trio.current_time() + TICK_S < start + seconds:
        await trio.sleep(TICK_S)
        await progress.tell()
    return [(at - start, data) for at, data in hearer.heard]


MOVING = [DeltaCount(45, 100), DeltaCount(45, 100), DeltaCount(99, 100)]


async def test_a_line_is_told_each_second_in_which_the_count_moved(autojump_clock: MockClock) -> None:
    assert await hear(MOVING, LOUD, 4.5) == [
        (1, line("Resolving deltas:  45% (45/100)\r")),
        (3, line("Resolving deltas:  99% (99/100)\r")),
    ]


@pytest.mark.parametrize("capabilities", [LOUD, QUIET])
async def test_five_seconds_of_silence_are_broken_by_a_keep_alive(
    autojump_clock: MockClock, capabilities: PushCapabilities
) -> None:
    assert await hear([DeltaCount()], capabilities, 11) == [(5, KEEP_ALIVE), (10, KEEP_ALIVE)]


async def test_a_line_begins_the_silence_anew(autojump_clock: MockClock) -> None:
    heard = await hear(MOVING, LOUD, 9)
    assert [(at, data == KEEP_ALIVE) for at, data in heard] == [(1, False), (3, False), (8, True)]


async def test_quiet_clients_hear_keep_alives_only(autojump_clock: MockClock) -> None:
    assert await hear(MOVING, QUIET, 6) == [(5, KEEP_ALIVE)]


async def test_clients_without_bands_hear_nothing(autojump_clock: MockClock) -> None:
    assert await hear(MOVING, NO_BANDS, 60) == []


async def test_a_push_without_deltas_has_no_line(autojump_clock: MockClock) -> None:
    assert await hear([DeltaCount(0, 0)], LOUD, 4.5) == []


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (DeltaCount(3, 3), "Resolving deltas: 100% (3/3), done.\n"),
        (DeltaCount(3, 3, 1), "Resolving deltas: 100% (3/3), completed with 1 local object.\n"),
        (DeltaCount(3, 3, 2), "Resolving deltas: 100% (3/3), completed with 2 local objects.\n"),
    ],
)
def test_the_last_line_is_gits(count: DeltaCount, words: str) -> None:
    assert last_words(count, LOUD) == line(words)


@pytest.mark.parametrize(
    ("count", "capabilities"), [(DeltaCount(), LOUD), (DeltaCount(3, 3), QUIET), (DeltaCount(3, 3), NO_BANDS)]
)
def test_without_deltas_or_wish_there_is_no_last_line(count: DeltaCount, capabilities: PushCapabilities) -> None:
    assert last_words(count, capabilities) == b""
