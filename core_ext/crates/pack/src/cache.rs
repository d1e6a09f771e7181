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

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(size_bytes: usize) -> Decoded {
        (Kind::Blob, vec![0; size_bytes].into())
    }

    #[test]
    fn the_budget_is_kept_and_what_is_used_stays() {
        let cache = Cache::new(100_000);
        cache.insert((0, 0), blob(1000));
        for offset in 1..10_000 {
            assert!(cache.get((0, 0)).is_some(), "used before each of {offset} others came");
            cache.insert((0, offset), blob(1000));
            assert!(cache.used_bytes.load(Ordering::Relaxed) <= 100_000);
        }
        let kept: usize = cache.shards.iter().map(|shard| shard.lock().rows.len()).sum();
        assert_eq!(cache.used_bytes.load(Ordering::Relaxed), kept * (1000 + OVERHEAD_BYTES));
        assert!(kept > 80, "{kept} of 88 fit");
    }

    #[test]
    fn a_large_object_and_a_second_copy_are_not_kept() {
        let cache = Cache::new(100_000);
        cache.insert((0, 1), blob(20_000));
        assert!(cache.get((0, 1)).is_none());
        cache.insert((0, 2), blob(10));
        cache.insert((0, 2), blob(10));
        assert_eq!(cache.used_bytes.load(Ordering::Relaxed), 10 + OVERHEAD_BYTES);
        assert!(cache.get((1, 2)).is_none(), "the same offset in another pack");
    }

    #[test]
    fn threads_that_share_it_leave_the_sum_right() {
        let cache = Cache::new(50_000);
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let cache = &cache;
                scope.spawn(move || {
                    for step in 0..5_000u64 {
                        let key = (0, step.wrapping_mul(31 + thread) % 500);
                        if cache.get(key).is_none() {
                            cache.insert(key, blob(300));
                        }
                    }
                });
            }
        });
        let kept: usize = cache.shards.iter().map(|shard| shard.lock().rows.len()).sum();
        assert_eq!(cache.used_bytes.load(Ordering::Relaxed), kept * (300 + OVERHEAD_BYTES));
        assert!(cache.used_bytes.load(Ordering::Relaxed) <= 50_000);
    }
}
