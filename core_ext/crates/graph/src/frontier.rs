//! What a traversal has still to visit, in bounded memory.

use packhouse_pack::{BitSet, Ordinal};

/// The most ordinals on the stack: 256 KiB.
const MAX_STACK: usize = 1 << 16;

/// Ordinals to be visited, each added at most once.
///
/// The last one added is visited first, so that trees which are deltas of each other are read one after the other. A
/// stack alone would take four bytes for each object in the worst case (a tree of a million trees), where law 9 grants
/// one: what does not fit on it waits as a bit, and is visited when the stack is empty. Looking for those bits costs a pass
/// over the bits for every `MAX_STACK` visits.
pub(crate) struct Frontier {
    stack: Vec<Ordinal>,
    waiting: Option<BitSet>,
    ordinal_count: u32,
    max_stack: usize,
}

impl Frontier {
    pub(crate) fn new(ordinal_count: u32) -> Self {
        Self { stack: Vec::new(), waiting: None, ordinal_count, max_stack: MAX_STACK }
    }

    pub(crate) fn push(&mut self, ordinal: Ordinal) {
        if self.stack.len() < self.max_stack {
            self.stack.push(ordinal);
        } else {
            self.waiting.get_or_insert_with(|| BitSet::new(self.ordinal_count)).insert(ordinal);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Ordinal> {
        if self.stack.is_empty() {
            self.refill();
        }
        self.stack.pop()
    }

    fn refill(&mut self) {
        let Some(waiting) = &mut self.waiting else { return };
        self.stack.extend(waiting.iter().take(self.max_stack));
        for &ordinal in &self.stack {
            waiting.remove(ordinal);
        }
        if self.stack.is_empty() {
            self.waiting = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_on_the_stack_is_visited_all_the_same() {
        let mut frontier = Frontier { max_stack: 3, ..Frontier::new(1000) };
        (0..1000).for_each(|ordinal| frontier.push(ordinal));
        let mut visited: Vec<_> = std::iter::from_fn(|| frontier.pop()).collect();
        visited.sort_unstable();
        assert_eq!(visited, (0..1000).collect::<Vec<_>>());
        assert!(frontier.stack.capacity() <= 4);
    }

    #[test]
    fn the_last_one_in_is_the_first_one_out() {
        let mut frontier = Frontier::new(10);
        (0..10).for_each(|ordinal| frontier.push(ordinal));
        assert_eq!(frontier.pop(), Some(9));
    }
}
