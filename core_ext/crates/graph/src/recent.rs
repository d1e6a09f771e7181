//! A filter of ids that were met a short while ago.

/// 1 MiB of slots.
const SLOTS: usize = 1 << 15;

/// An id as numbers: comparing bytes would be a call of memcmp, half of the time that a tree takes.
type Slot = (u128, u128);

/// Remembers some of the ids that were added, and a value with each, exactly: `get` never finds another id.
///
/// Most entries of a tree stood in the version before it, too. Comparing an id with one slot is an order of magnitude
/// cheaper than looking it up in the idx of each pack.
pub struct Recent<V> {
    slots: Vec<Slot>,
    values: Vec<V>,
}

impl<V: Copy + Default> Recent<V> {
    /// Nothing is remembered. Memory: 1 MiB, and what the values take.
    #[must_use]
    pub fn new() -> Self {
        let mut slots = vec![(0, 0); SLOTS];
        slots[0] = (u128::MAX, u128::MAX); // the null id would be found in slot 0, the id of ones never is
        Self { slots, values: vec![V::default(); SLOTS] }
    }

    /// The value that was added with an id, if it is remembered.
    ///
    /// raw: 20 or 32 bytes, here and below; ids of both lengths are not to be mixed.
    #[must_use]
    pub fn get(&self, raw: &[u8]) -> Option<V> {
        let slot = slot_of(raw);
        (self.slots[slot] == numbers_of(raw)).then(|| self.values[slot])
    }

    /// Remember an id, and forget another one for it.
    pub fn add(&mut self, raw: &[u8], value: V) {
        let slot = slot_of(raw);
        (self.slots[slot], self.values[slot]) = (numbers_of(raw), value);
    }
}

impl<V: Copy + Default> Default for Recent<V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Ids that were met, and nothing with them.
pub(crate) type RecentOids = Recent<()>;

fn numbers_of(raw: &[u8]) -> Slot {
    let (head, rest) = raw.split_first_chunk().unwrap_or((&[0; 16], raw));
    let tail = match rest.first_chunk() {
        Some(tail) => u128::from_ne_bytes(*tail),
        None => rest.first_chunk().copied().map_or(0, u32::from_ne_bytes).into(),
    };
    (u128::from_ne_bytes(*head), tail)
}

/// Ids are hashes: any two of their bytes spread evenly.
fn slot_of(raw: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([raw[2], raw[3]])) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_added_is_contained() {
        for len in [20, 32] {
            let mut recent = Recent::new();
            let ids = [0, 0xff, 7].map(|byte| vec![byte; len]);
            for id in &ids {
                assert!(recent.get(id).is_none(), "{id:?}");
            }
            recent.add(&ids[2], 7);
            assert!(recent.get(&ids[2]) == Some(7) && recent.get(&ids[0]).is_none());
        }
    }

    #[test]
    fn every_byte_counts() {
        for len in [20, 32] {
            for at in 0..len {
                let mut recent = Recent::new();
                let mut other = vec![7; len];
                recent.add(&other, 7);
                other[at] = 8;
                assert!(recent.get(&other).is_none(), "byte {at} of {len}");
            }
        }
    }
}
