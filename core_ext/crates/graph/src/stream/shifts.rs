//! Where entries of the pack being copied went.

/// The most runs that are remembered: 1 MiB.
const MAX_RUNS: usize = 1 << 16;

/// A map from an entry's stored offset to its offset in the new pack.
///
/// Between two holes, and where no header changed its length, all entries move by the same distance: one *run*, of which only
/// the start is kept. A pack that is copied without holes is a single run. With holes everywhere there are as many runs as
/// entries; then the oldest are forgotten, and a delta against an entry that far back names its base by id, which costs
/// it some 18 bytes. (Tried on paper and rejected: a scratch file for the map. Bases lie close before their deltas.)
pub(crate) struct Shifts {
    /// (stored offset, new offset) at the start of each run, ascending.
    runs: Vec<(u64, u64)>,
    max_runs: usize,
}

impl Shifts {
    pub(crate) const fn new() -> Self {
        Self { runs: Vec::new(), max_runs: MAX_RUNS }
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
    }

    /// Note that an entry moved. Entries come by ascending offset.
    pub(crate) fn note(&mut self, stored: u64, new: u64) {
        let same_run = self.runs.last().is_some_and(|&run| moved(run, stored) == new);
        if same_run {
            return;
        }
        if self.runs.len() == self.max_runs {
            self.runs.drain(..self.max_runs / 2);
        }
        self.runs.push((stored, new));
    }

    /// The new offset of an entry that was noted, if that is remembered.
    pub(crate) fn new_offset(&self, stored: u64) -> Option<u64> {
        let after = self.runs.partition_point(|run| run.0 <= stored);
        after.checked_sub(1).map(|at| moved(self.runs[at], stored))
    }
}

const fn moved((run_stored, run_new): (u64, u64), stored: u64) -> u64 {
    run_new + (stored - run_stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_move_alike_share_a_run() {
        let mut shifts = Shifts::new();
        for (stored, new) in [(12, 12), (20, 20), (40, 33), (50, 43)] {
            shifts.note(stored, new);
        }
        assert_eq!(shifts.runs.len(), 2);
        assert_eq!([12, 20, 40, 50].map(|stored| shifts.new_offset(stored)), [12, 20, 33, 43].map(Some));
    }

    #[test]
    fn the_oldest_runs_are_forgotten_and_never_mistaken() {
        let mut shifts = Shifts { max_runs: 8, ..Shifts::new() };
        for at in 1..=100 {
            shifts.note(at * 10, at * 9);
            assert!(shifts.runs.len() <= 8);
        }
        for at in 1..=100 {
            let found = shifts.new_offset(at * 10);
            assert!(found == Some(at * 9) || (found.is_none() && at <= 96), "{at}: {found:?}");
        }
    }
}
