//! The packs of a database: how their objects are numbered, and which of several equal objects counts.

use crate::{BitSet, Ordinal, Pack};
use packhouse_object::{Error, ObjectFormat, Oid, Result};
use std::sync::{Arc, OnceLock};

/// Packs, newest first.
pub(crate) struct Packs {
    pub(crate) format: ObjectFormat,
    pub(crate) list: Vec<Arc<Pack>>,
    /// The first ordinal of each pack, and after them the number of all.
    pub(crate) starts: Vec<Ordinal>,
    homes: OnceLock<Arc<BitSet>>,
}

impl Packs {
    pub(crate) fn new(list: Vec<Arc<Pack>>, format: ObjectFormat) -> Result<Self> {
        if let Some(pack) = list.iter().find(|pack| pack.format() != format) {
            return Err(pack.corrupt(0, &format!("its objects are not named by {}", format.name())));
        }
        let mut starts = vec![0];
        let mut total = 0u64;
        for pack in &list {
            total += u64::from(pack.len());
            starts.push(u32::try_from(total).map_err(|_| too_many(total))?);
        }
        Ok(Self { format, list, starts, homes: OnceLock::new() })
    }

    /// One more than the greatest ordinal.
    pub(crate) fn ordinal_count(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Where an ordinal leads: the pack's place in the list, and the position in its idx.
    pub(crate) fn place_of(&self, ordinal: Ordinal) -> (usize, u32) {
        assert!(ordinal < self.ordinal_count(), "ordinal {ordinal} of {}", self.ordinal_count());
        let number = self.starts.partition_point(|&start| start <= ordinal) - 1;
        (number, ordinal - self.starts[number])
    }

    /// The ordinal of an object in the newest pack that has it.
    pub(crate) fn home_of(&self, oid: &Oid) -> Option<Ordinal> {
        let mut packs = self.list.iter().zip(&self.starts);
        packs.find_map(|(pack, start)| pack.index().find(oid).map(|position| start + position))
    }

    /// The homes of all objects. Made once, by comparing all packs with each other.
    pub(crate) fn homes(&self) -> &Arc<BitSet> {
        self.homes.get_or_init(|| {
            let mut homes = BitSet::full(self.ordinal_count());
            for (number, older) in self.list.iter().enumerate() {
                for newer in &self.list[..number] {
                    for_each_shared(newer, older, |position| _ = homes.remove(self.starts[number] + position));
                }
            }
            Arc::new(homes)
        })
    }
}

/// Visit the positions in `older` of what both packs hold. Cost: the smaller pack's objects times a lookup.
fn for_each_shared(newer: &Pack, older: &Pack, mut visit: impl FnMut(u32)) {
    let (few, many) = if newer.len() < older.len() { (newer, older) } else { (older, newer) };
    for position in 0..few.len() {
        let found = Oid::from_bytes(few.index().oid_at(position)).ok().and_then(|oid| many.index().find(&oid));
        if let Some(other) = found {
            visit(if std::ptr::eq(few, older) { position } else { other });
        }
    }
}

fn too_many(actual: u64) -> Error {
    Error::Limit { what: "objects in all packs", actual, limit: u64::from(u32::MAX) }
}
