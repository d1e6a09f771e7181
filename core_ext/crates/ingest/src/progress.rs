//! How far an ingest has come, readable by any thread at any time.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that only grow. They order nothing else, so relaxed loads and stores suffice.
#[derive(Default)]
pub struct Progress {
    pub(crate) received_bytes: AtomicU64,
    pub(crate) received_objects: AtomicU64,
    pub(crate) announced_objects: AtomicU64,
    pub(crate) resolved_deltas: AtomicU64,
    pub(crate) deltas: AtomicU64,
}

impl Progress {
    /// (bytes received, objects received, objects announced, deltas resolved, deltas in all).
    #[must_use]
    pub fn snapshot(&self) -> (u64, u64, u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (
            read(&self.received_bytes),
            read(&self.received_objects),
            read(&self.announced_objects),
            read(&self.resolved_deltas),
            read(&self.deltas),
        )
    }
}
