//! Parsed commits that are kept for a while.

use crate::commits::Commit;
use packhouse_pack::Ordinal;

/// How many slots there are at first; one commit that a push brought needs no more.
const MIN_SLOTS: usize = 1 << 5;
/// How many there are at most: about 350 KiB.
const MAX_SLOTS: usize = 1 << 12;

/// A table with one slot for each of so many ordinals. It grows with what is put into it, since most walks are short.
#[derive(Default)]
pub(crate) struct Kept {
    slots: Vec<Option<(Ordinal, Commit)>>,
    put: usize,
}

impl Kept {
    pub(crate) fn get(&self, ordinal: Ordinal) -> Option<&Commit> {
        let slot = self.slots.get(slot_of(ordinal, self.slots.len()))?.as_ref();
        slot.filter(|(kept, _)| *kept == ordinal).map(|(_, commit)| commit)
    }

    /// Keep a commit, in the place of another one if need be.
    pub(crate) fn put(&mut self, ordinal: Ordinal, commit: Commit) {
        if self.put >= self.slots.len() && self.slots.len() < MAX_SLOTS {
            self.grow();
        }
        self.put += 1;
        let count = self.slots.len();
        self.slots[slot_of(ordinal, count)] = Some((ordinal, commit));
    }

    fn grow(&mut self) {
        let count = (self.slots.len() * 4).clamp(MIN_SLOTS, MAX_SLOTS);
        let smaller = std::mem::replace(&mut self.slots, vec![None; count]);
        for (ordinal, commit) in smaller.into_iter().flatten() {
            self.slots[slot_of(ordinal, count)] = Some((ordinal, commit));
        }
    }
}

/// The count is a power of two, or 0 in an empty table, which has no slot.
const fn slot_of(ordinal: Ordinal, count: usize) -> usize {
    ordinal as usize & count.wrapping_sub(1)
}
