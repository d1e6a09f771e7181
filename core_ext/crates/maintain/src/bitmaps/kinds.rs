//! The kinds of all objects of a pack.

use packhouse_object::{CancelFlag, Kind, Result};
use packhouse_pack::bitmaps::KINDS;
use packhouse_pack::{BitSet, Database, EntryKind, Pack};

/// A set for each kind, in the order of the pack.
pub(super) struct Kinds {
    sets: [BitSet; 4],
}

impl Kinds {
    /// Read the header of each entry. A delta has the kind of its base, which mostly lies before it.
    pub(super) fn of(db: &Database, pack: &Pack, cancel: &CancelFlag) -> Result<Self> {
        let mut kinds = Self { sets: KINDS.map(|_| BitSet::new(pack.len())) };
        let mut offsets: Vec<u64> = Vec::with_capacity(pack.len() as usize);
        for (rank, &position) in (0u32..).zip(pack.pack_order()?) {
            cancel.check()?;
            let offset = pack.index().offset_at(position);
            let header = pack.header_at(offset)?;
            let base = match header.kind {
                EntryKind::Whole(_) => None,
                _ => pack.base_offset(offset, &header)?.and_then(|base| offsets.binary_search(&base).ok()),
            };
            let kind = match (header.kind, base.and_then(|base| kinds.at(u32::try_from(base).ok()?))) {
                (EntryKind::Whole(kind), _) | (_, Some(kind)) => kind,
                _ => pack.kind_at(offset, db.limits().max_delta_depth)?,
            };
            offsets.push(offset);
            kinds.insert(rank, kind);
        }
        Ok(kinds)
    }

    /// The sets, in the order in which the file has them.
    pub(super) const fn sets(&self) -> &[BitSet; 4] {
        &self.sets
    }

    fn at(&self, rank: u32) -> Option<Kind> {
        KINDS.into_iter().zip(&self.sets).find_map(|(kind, set)| set.get(rank).then_some(kind))
    }

    fn insert(&mut self, rank: u32, kind: Kind) {
        KINDS.iter().zip(&mut self.sets).filter(|(other, _)| **other == kind).for_each(|(_, set)| _ = set.insert(rank));
    }
}
