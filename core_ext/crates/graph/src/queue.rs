//! The order in which Git walks commits.

use packhouse_pack::Ordinal;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Commits by committer date, the newest first; those of the same date in the order in which they came.
///
/// Memory: 24 bytes for each commit at the edge of a walk, which is as wide as history has parallel branches.
#[derive(Default)]
pub(crate) struct DateQueue {
    heap: BinaryHeap<(u64, Reverse<u64>, Ordinal)>,
    pushed: u64,
}

impl DateQueue {
    pub(crate) fn push(&mut self, date_s: u64, commit: Ordinal) {
        self.heap.push((date_s, Reverse(self.pushed), commit));
        self.pushed += 1;
    }

    /// The newest commit and its date in seconds.
    pub(crate) fn pop(&mut self) -> Option<(u64, Ordinal)> {
        self.heap.pop().map(|(date_s, _, commit)| (date_s, commit))
    }

    /// The date of the commit that comes next, in seconds.
    pub(crate) fn newest_s(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.0)
    }
}
