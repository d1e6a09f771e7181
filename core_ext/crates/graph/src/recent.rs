//! A filter of ids that were met a short while ago.

/// 1 MiB of slots.
const SLOTS: usize = 1 << 15;
const SLOT_BYTES: usize = 32;

/// Remembers some of the ids that were added, exactly: `contains` never says yes to another id.
///
/// Most entries of a tree stood in the version before it, too. Comparing an id with one slot is an order of magnitude
/// cheaper than looking it up in the idx of each pack.
pub(crate) struct RecentOids {
    slots: Vec<[u8; SLOT_BYTES]>,
}

impl RecentOids {
    pub(crate) fn new() -> Self {
        let mut slots = vec![[0; SLOT_BYTES]; SLOTS];
        slots[0] = [0xff; SLOT_BYTES]; // the null id would be found in slot 0, the id of ones never is
        Self { slots }
    }

    /// raw: 20 or 32 bytes. Comparing arrays, not slices, makes two or four instructions of it.
    pub(crate) fn contains(&self, raw: &[u8]) -> bool {
        let slot = &self.slots[slot_of(raw)];
        match raw.first_chunk() {
            Some(raw) => slot == raw,
            None => slot.first_chunk::<20>() == raw.first_chunk(),
        }
    }

    pub(crate) fn add(&mut self, raw: &[u8]) {
        self.slots[slot_of(raw)][..raw.len()].copy_from_slice(raw);
    }
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
            let mut recent = RecentOids::new();
            let ids = [0, 0xff, 7].map(|byte| vec![byte; len]);
            for id in &ids {
                assert!(!recent.contains(id), "{id:?}");
            }
            recent.add(&ids[2]);
            assert!(recent.contains(&ids[2]) && !recent.contains(&ids[0]));
        }
    }
}
