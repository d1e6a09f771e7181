//! What each entry of a pack turned out to be: its id and its kind, filled in by all threads.

use packhouse_object::{Kind, ObjectFormat, Oid, Result};

/// Ids and kinds by index: 21 or 33 bytes an object.
pub(crate) struct Names {
    oids: Vec<u8>,
    kinds: Vec<u8>,
    oid_len: usize,
}

const UNKNOWN: u8 = 0;

impl Names {
    pub fn new(format: ObjectFormat) -> Self {
        Self { oids: Vec::new(), kinds: Vec::new(), oid_len: format.oid_len() }
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Make room for `count` objects in all.
    pub fn grow(&mut self, count: u32) {
        let count = (count as usize).max(self.len());
        self.oids.resize(count * self.oid_len, 0);
        self.kinds.resize(count, UNKNOWN);
    }

    pub fn set(&mut self, index: u32, oid: &Oid, kind: Kind) {
        self.grow(index + 1);
        self.oids[index as usize * self.oid_len..][..self.oid_len].copy_from_slice(oid.as_bytes());
        self.kinds[index as usize] = kind as u8;
    }

    pub fn raw_oid(&self, index: u32) -> &[u8] {
        &self.oids[index as usize * self.oid_len..][..self.oid_len]
    }

    pub fn oid(&self, index: u32) -> Result<Oid> {
        Oid::from_bytes(self.raw_oid(index))
    }

    /// `None` for a delta that is not resolved.
    pub fn kind(&self, index: u32) -> Option<Kind> {
        self.kinds.get(index as usize).and_then(|&number| Kind::from_number(number))
    }

    /// All indexes, sorted by id.
    pub fn sorted(&self) -> Vec<u32> {
        #[allow(clippy::cast_possible_truncation)] // a pack announces its entries in 32 bits
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by(|&left, &right| self.raw_oid(left).cmp(self.raw_oid(right)));
        order
    }
}
