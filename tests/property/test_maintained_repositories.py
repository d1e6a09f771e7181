"""Repositories that are maintained again and again in any series of publishes show what they showed before.

What may be seen, and what a fetch brings, is compared with walks in Python, which know nothing of packs and bitmaps.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from core_ext import Cancel
from packengine.maintenance import Collector, Maintainer
from packengine.repository import Limits
from packengine.repository.progress import no_progress
from tests.property.test_view_growth import MAIN, Views, members, picks, repositories
from tests.support.engines import needs


class Maintained(Views):
    """Maintenance comes in between, of packs of any size, thoroughly or as the workers do it."""

    limits = Limits(
        rollup_packs=4, want_grace_ms=5000, min_bitmap_objects=8, min_shared_pack_bytes=2000, tail_pack_bytes=1000
    )

    @rule(repository=repositories, due_only=st.booleans())
    def maintain(self, repository: str, due_only: bool) -> None:
        before = self.engine.load(repository)
        maintainer = Maintainer(self.engine.parts)
        maintainer.maintain(repository, progress=no_progress, cancel=Cancel(), due_only=due_only)
        after = self.engine.load(repository)
        assert maintainer.plan(repository, due_only=due_only).is_empty
        assert list(after.manifest.refs.scan()) == list(before.manifest.refs.scan())
        stored = (members(self.engine.parts.loader.objects(state.manifest)) for state in (before, after))
        assert next(stored) == next(stored)

    @rule(days=st.sampled_from([0, 1, 5, 40]))
    def collect(self, days: int) -> None:
        self.clock.now_ms += days * 86_400_000
        Collector(self.engine.parts, clock_ms=lambda: self.clock.now_ms).collect(no_progress, Cancel())

    @rule(repository=repositories)
    def see(self, repository: str) -> None:
        usable = self.engine.pushes.visibility.usable(self.engine.load(repository))
        assert members(usable) == set(self.objects.closure(self.refs(repository).values()))

    @rule(repository=repositories, pick=picks)
    def fetch_beyond(self, repository: str, pick: int) -> None:
        """What a client that has some commit lacks is brought, and nothing that no ref reaches."""
        want = self.refs(repository)[MAIN]
        fetch = self.engine.fetches.begin(self.engine.load(repository), needs(want))
        common = fetch.common([self.commits[pick % len(self.commits)]])
        brought = set(fetch.select(common, Cancel()).objects.oids(limit=1 << 20))
        wanted, held = set(self.closure(want)), set(self.objects.closure(common))
        assert wanted - held <= brought <= wanted

    def teardown(self) -> None:
        """See Views."""
        try:
            for repository in ("repo-0", "repo-1") if self.commits else ():
                self.maintain(repository, False)
                self.see(repository)
                assert self.project(repository).problems() == []
        finally:
            super().teardown()


TestMaintained = Maintained.TestCase
TestMaintained.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
