//! The bounded cache of decoded objects that other objects are deltas against.

use crate::Content;
use hashbrown::HashMap;
use packhouse_object::Kind;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a cached object was decoded from: a pack's id and an offset in it.
pub(crate) type Key = (u64, u64);

/// A decoded object.
pub(crate) type Decoded = (Kind, Content);

const SHARDS: usize = 16;
/// An object over this part of the budget is not kept: it would push out too many others.
const LARGEST_SHARE: usize = 8;
/// What an entry costs beside its content, about: its slot, its row in the table, the counts of its `Arc`.
const OVERHEAD_BYTES: usize = 128;

/// Clock eviction in each of several shards under one budget of bytes.
pub(crate) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    used_bytes: AtomicUsize,
    budget_bytes: usize,
}

/// A slot that was emptied is filled next, behind the hand: what comes in is looked at last.
#[derive(Default)]
struct Shard {
    rows: HashMap<Key, usize>,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    hand: usize,
}

struct Slot {
    key: Key,
    value: Decoded,
    used: bool,
}

impl Cache {
    pub(crate) fn new(budget_bytes: usize) -> Self {
        Self { shards: Default::default(), used_bytes: AtomicUsize::new(0), budget_bytes }
    }

    pub(crate) fn get(&self, key: Key) -> Option<Decoded> {
        let mut shard = self.shards[shard_of(key)].lock();
        let row = *shard.rows.get(&key)?;
        let slot = shard.slots[row].as_mut()?;
        slot.used = true;
        Some(slot.value.clone())
    }

    pub(crate) fn insert(&self, key: Key, value: Decoded) {
        let cost = cost_of(&value);
        if cost > self.budget_bytes / LARGEST_SHARE {
            return;
        }
        let home = shard_of(key);
        self.used_bytes.fetch_add(cost, Ordering::Relaxed); // first: an eviction must not subtract it before
        if self.shards[home].lock().insert(key, value) {
            self.evict(home);
        } else {
            self.used_bytes.fetch_sub(cost, Ordering::Relaxed);
        }
    }

    /// Drop one object from each shard in turn until the budget is kept or nothing is left.
    fn evict(&self, home: usize) {
        let (mut step, mut empty_shards) = (home, 0);
        while empty_shards < SHARDS && self.used_bytes.load(Ordering::Relaxed) > self.budget_bytes {
            step += 1;
            match self.shards[step % SHARDS].lock().evict() {
                Some(freed_bytes) => {
                    self.used_bytes.fetch_sub(freed_bytes, Ordering::Relaxed);
                    empty_shards = 0;
                }
                None => empty_shards += 1,
            }
        }
    }
}

impl Shard {
    /// Returns whether the key was new.
    fn insert(&mut self, key: Key, value: Decoded) -> bool {
        if self.rows.contains_key(&key) {
            return false;
        }
        let slot = Some(Slot { key, value, used: false });
        let row = match self.free.pop() {
            Some(row) => {
                self.slots[row] = slot;
                row
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.rows.insert(key, row);
        true
    }

    /// Drop the first object from the hand on that was not used since the hand last passed. Returns what that frees.
    fn evict(&mut self) -> Option<usize> {
        if self.rows.is_empty() {
            return None;
        }
        loop {
            self.hand = (self.hand + 1) % self.slots.len();
            match &mut self.slots[self.hand] {
                Some(slot) if slot.used => slot.used = false,
                Some(_) => break,
                None => {}
            }
        }
        let slot = self.slots[self.hand].take()?;
        self.free.push(self.hand);
        self.rows.remove(&slot.key);
        Some(cost_of(&slot.value))
    }
}

fn cost_of(value: &Decoded) -> usize {
    value.1.len() + OVERHEAD_BYTES
}

#[allow(clippy::cast_possible_truncation)] // the top bits of a product
const fn shard_of((pack, offset): Key) -> usize {
    ((pack ^ offset).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60) as usize % SHARDS
}
