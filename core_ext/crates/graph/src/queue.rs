//! The order in which walks take commits.

use crate::commits::Age;
use packhouse_pack::Ordinal;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Commits by committer date, the newest first, as Git shows them.
pub type DateQueue = Queue<u64>;
/// Commits by generation, the greatest first, and where there are none by date.
pub(crate) type AgeQueue = Queue<Age>;

/// Commits by a key, the greatest first; those of the same in the order in which they came.
///
/// Memory: 24 or 32 bytes for each commit at the edge of a walk, which is as wide as history has parallel branches.
pub struct Queue<K> {
    heap: BinaryHeap<(K, Reverse<u64>, Ordinal)>,
    pushed: u64,
}

impl<K: Ord> Default for Queue<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), pushed: 0 }
    }
}

impl<K: Ord + Copy> Queue<K> {
    /// Add a commit.
    pub fn push(&mut self, key: K, commit: Ordinal) {
        self.heap.push((key, Reverse(self.pushed), commit));
        self.pushed += 1;
    }

    /// The first commit and its key.
    pub fn pop(&mut self) -> Option<(K, Ordinal)> {
        self.heap.pop().map(|(key, _, commit)| (key, commit))
    }

    /// The key of the commit that comes next.
    #[must_use]
    pub fn next_key(&self) -> Option<K> {
        self.heap.peek().map(|entry| entry.0)
    }
}
