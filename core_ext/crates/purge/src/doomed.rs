//! The blobs that are to go, asked of for each entry of each tree.

use packhouse_object::Oid;
use packhouse_pack::BitSet;

/// Names of blobs. Almost every question is answered by one bit.
pub(crate) struct Doomed {
    sorted: Vec<Oid>,
    /// Which two first bytes they have.
    beginnings: BitSet,
}

impl Doomed {
    pub(crate) fn new(oids: &[Oid]) -> Self {
        let mut sorted = oids.to_vec();
        sorted.sort_unstable();
        let mut beginnings = BitSet::new(1 << 16);
        for oid in &sorted {
            beginnings.insert(beginning(oid.as_bytes()));
        }
        Self { sorted, beginnings }
    }

    pub(crate) fn has(&self, raw: &[u8]) -> bool {
        self.beginnings.get(beginning(raw)) && self.sorted.binary_search_by(|oid| oid.as_bytes().cmp(raw)).is_ok()
    }
}

fn beginning(raw: &[u8]) -> u32 {
    u32::from(raw[0]) << 8 | u32::from(raw[1])
}
