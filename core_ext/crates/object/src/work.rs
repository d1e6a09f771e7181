//! How far long work has come, seen from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Two counts shared by those who work and those who watch. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct WorkCount(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    total: AtomicU64,
}

impl WorkCount {
    /// Nothing done of a total that is not known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begin a piece of work of so many steps.
    pub fn start(&self, total: u64) {
        // Relaxed, here and below: the counts order nothing else, and are only shown.
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// So many steps more are done.
    pub fn add(&self, steps: u64) {
        self.0.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// The steps that are done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.0.done.load(Ordering::Relaxed)
    }

    /// The steps in all; 0 as long as that is not known.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clones_show_the_same_counts() {
        let work = WorkCount::new();
        let shown = work.clone();
        assert_eq!((shown.done(), shown.total()), (0, 0));
        work.start(7);
        work.add(3);
        assert_eq!((shown.done(), shown.total()), (3, 7));
        work.start(2);
        assert_eq!((shown.done(), shown.total()), (0, 2));
    }
}
