//! Which deltas hang on which object.
//!
//! A delta by offset hangs on an entry before it, so those form a forest whatever the sender does. A delta by id hangs on
//! whatever object turns out to have that id; all deltas with the same base are claimed together, once, so that many copies
//! of an object (refused later) cost no more than one.

use crate::entries::Entries;
use packhouse_object::Oid;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// The children of every entry. Memory: 4 bytes an object and 4 an offset delta; 41 bytes a delta by id.
pub(crate) struct Forest {
    /// `ofs_children[starts[base]..starts[base + 1]]` hang on `base`.
    starts: Vec<u32>,
    ofs_children: Vec<u32>,
    /// Sorted by id of the base, then by index.
    ref_deltas: Vec<(Oid, u32)>,
    /// Whether the deltas with the same base as this one are claimed; only the first of each group counts.
    claimed: Vec<AtomicBool>,
}

/// Children of one object that nobody has begun with.
#[derive(Default)]
pub(crate) struct Children {
    ofs: Range<u32>,
    refs: Range<u32>,
}

impl Forest {
    /// Take over the deltas of a pack.
    pub fn new(entries: &mut Entries) -> Self {
        let (starts, ofs_children) = group(entries.len(), &std::mem::take(&mut entries.ofs_deltas));
        let mut ref_deltas = std::mem::take(&mut entries.ref_deltas);
        ref_deltas.sort_unstable();
        let claimed = ref_deltas.iter().map(|_| AtomicBool::new(false)).collect();
        Self { starts, ofs_children, ref_deltas, claimed }
    }

    /// The children of an entry, once its name is known. Claims the deltas that name it as their base.
    pub fn children(&self, index: u32, oid: &Oid) -> Children {
        let ofs = self.starts[index as usize]..self.starts[index as usize + 1];
        Children { ofs, refs: self.claim(oid) }
    }

    /// The children of an object that is no entry: only deltas by id can hang on it.
    pub fn children_outside(&self, oid: &Oid) -> Children {
        Children { ofs: 0..0, refs: self.claim(oid) }
    }

    /// How many deltas there are.
    pub fn delta_count(&self) -> usize {
        self.ofs_children.len() + self.ref_deltas.len()
    }

    /// The next child.
    pub fn next(&self, children: &mut Children) -> Option<u32> {
        match children.ofs.next() {
            Some(at) => Some(self.ofs_children[at as usize]),
            None => children.refs.next().map(|at| self.ref_deltas[at as usize].1),
        }
    }

    /// The bases by id that no object of the pack turned out to be: (index of the first delta on it, its id), in pack order.
    pub fn unclaimed(&self) -> Vec<(u32, Oid)> {
        let groups = self.ref_deltas.chunk_by(|left, right| left.0 == right.0);
        let mut start = 0;
        let mut bases = Vec::new();
        for group in groups {
            if !self.claimed[start].load(Ordering::Relaxed) {
                bases.push((group[0].1, group[0].0));
            }
            start += group.len();
        }
        bases.sort_unstable();
        bases
    }

    /// Take back the claims on these bases.
    pub fn release(&self, bases: &[(u32, Oid)]) {
        for (_, base) in bases {
            self.claimed[self.group_start(base)].store(false, Ordering::Relaxed);
        }
    }

    fn claim(&self, oid: &Oid) -> Range<u32> {
        if self.ref_deltas.is_empty() {
            return 0..0;
        }
        let start = self.group_start(oid);
        let count = self.ref_deltas[start..].partition_point(|(base, _)| base == oid);
        if count == 0 || self.claimed[start].swap(true, Ordering::Relaxed) {
            return 0..0;
        }
        #[allow(clippy::cast_possible_truncation)] // a pack announces its entries in 32 bits
        let range = start as u32..(start + count) as u32;
        range
    }

    fn group_start(&self, oid: &Oid) -> usize {
        self.ref_deltas.partition_point(|(base, _)| base < oid)
    }
}

impl Children {
    pub fn is_empty(&self) -> bool {
        self.ofs.is_empty() && self.refs.is_empty()
    }

    pub fn len(&self) -> u32 {
        (self.ofs.end - self.ofs.start) + (self.refs.end - self.refs.start)
    }

    /// Give away the second half.
    pub fn split(&mut self) -> Self {
        Self { ofs: halve(&mut self.ofs), refs: halve(&mut self.refs) }
    }
}

fn halve(range: &mut Range<u32>) -> Range<u32> {
    let given = range.start + (range.end - range.start) / 2..range.end;
    range.end = given.start;
    given
}

/// Sort pairs of (base, child) by base, keeping the order of the children: (where each base's children start, children).
fn group(count: u32, pairs: &[(u32, u32)]) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; count as usize + 1];
    for &(base, _) in pairs {
        starts[base as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let (mut ends, mut children) = (starts.clone(), vec![0; pairs.len()]);
    for &(base, child) in pairs {
        children[ends[base as usize] as usize] = child;
        ends[base as usize] += 1;
    }
    (starts, children)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(number: u8) -> Oid {
        Oid::from_bytes(&[number; 20]).expect("20 bytes")
    }

    fn all(forest: &Forest, mut children: Children) -> Vec<u32> {
        std::iter::from_fn(|| forest.next(&mut children)).collect()
    }

    /// Entries 1 and 4 hang on 0, 3 on 1 by offset; 2 and 5 hang on `oid(9)`, 6 on `oid(8)` by id.
    fn forest() -> Forest {
        let mut entries = Entries::default();
        (0..7).for_each(|index| entries.push(index * 10, index * 10 + 10, 0));
        entries.ofs_deltas = vec![(0, 1), (1, 3), (0, 4)];
        entries.ref_deltas = vec![(oid(9), 2), (oid(9), 5), (oid(8), 6)];
        Forest::new(&mut entries)
    }

    #[test]
    fn children_come_by_offset_and_then_by_id_in_the_order_of_the_pack() {
        let forest = forest();
        assert_eq!(all(&forest, forest.children(0, &oid(9))), [1, 4, 2, 5]);
        assert_eq!(all(&forest, forest.children(1, &oid(1))), [3]);
        assert_eq!(all(&forest, forest.children(6, &oid(2))), [0; 0]);
        assert_eq!(forest.delta_count(), 6);
    }

    #[test]
    fn deltas_by_id_are_claimed_once_until_the_claim_is_taken_back() {
        let forest = forest();
        assert_eq!(forest.unclaimed(), [(2, oid(9)), (6, oid(8))]);
        let pending = forest.unclaimed();
        assert_eq!(forest.children_outside(&oid(9)).len(), 2);
        assert!(forest.children_outside(&oid(9)).is_empty());
        assert_eq!(forest.unclaimed(), [(6, oid(8))]);
        forest.release(&pending);
        assert_eq!(forest.unclaimed(), pending);
    }

    #[test]
    fn halves_of_children_are_all_of_them() {
        let forest = forest();
        for is_outside in [false, true] {
            let mut kept = if is_outside { forest.children_outside(&oid(9)) } else { forest.children(0, &oid(1)) };
            let count = kept.len();
            let given = kept.split();
            assert!(!given.is_empty());
            assert_eq!(all(&forest, kept).len() + all(&forest, given).len(), count as usize);
        }
    }
}
