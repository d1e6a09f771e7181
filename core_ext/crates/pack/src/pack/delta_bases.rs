//! What each entry of a pack is a delta against, by *rank*: an entry's number in the order of the pack.
//!
//! Who copies entries by the hundred thousand must know of each whether it can be copied as it is. Its header tells, but
//! reading headers of entries that lie in pages far apart costs fifty times what a look into a table does. The table is
//! made when much of a pack is wanted for the first time.

use super::Pack;
use crate::EntryKind;
use packhouse_object::{CancelFlag, Error, Result};

/// The delta bases of all entries. Memory: 4 bytes for each; 12 more while it is made.
pub struct DeltaBases {
    /// The rank of the base; an entry that is stored whole has its own.
    bases: Vec<u32>,
    longest_chain: Option<u32>,
}

impl DeltaBases {
    /// The rank of an entry's base, or its own if it has none.
    ///
    /// # Panics
    /// If the pack has no such rank.
    #[must_use]
    pub fn of(&self, rank: usize) -> u32 {
        self.bases[rank]
    }

    /// The most deltas in a chain; `None` if a base comes after its delta, where one pass does not tell.
    #[must_use]
    pub const fn longest_chain(&self) -> Option<u32> {
        self.longest_chain
    }

    fn new(pack: &Pack, cancel: &CancelFlag) -> Result<Self> {
        let order = pack.pack_order()?;
        let offsets: Vec<u64> = order.iter().map(|&position| pack.index().offset_at(position)).collect();
        let mut bases: Vec<u32> = Vec::with_capacity(offsets.len());
        let mut depths: Vec<u32> = Vec::with_capacity(offsets.len());
        let mut longest_chain = Some(0);
        for (rank, &offset) in offsets.iter().enumerate() {
            cancel.check()?;
            let base = base_rank(pack, &offsets, rank, offset)?;
            let depth = base.map_or(Some(0), |base| depths.get(base).map(|depth| depth + 1));
            #[allow(clippy::cast_possible_truncation)] // a pack has fewer than 2^32 entries
            bases.push(base.unwrap_or(rank) as u32);
            depths.push(depth.unwrap_or(0));
            longest_chain = longest_chain.zip(depth).map(|(longest, depth)| longest.max(depth));
        }
        Ok(Self { bases, longest_chain })
    }
}

impl Pack {
    /// What each entry is a delta against; `None` if some header or base is damaged, as whoever reads it will be told.
    ///
    /// Made once. Cost: the headers of all entries, so all of the pack's pages.
    ///
    /// # Errors
    /// `Cancelled`.
    pub fn delta_bases(&self, cancel: &CancelFlag) -> Result<Option<&DeltaBases>> {
        if self.delta_bases.get().is_none() {
            let bases = match DeltaBases::new(self, cancel) {
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                bases => bases.ok(),
            };
            _ = self.delta_bases.set(bases); // another thread may have made the same
        }
        Ok(self.delta_bases.get().and_then(Option::as_ref))
    }
}

fn base_rank(pack: &Pack, offsets: &[u64], rank: usize, offset: u64) -> Result<Option<usize>> {
    let header = pack.header_at(offset)?;
    let Some(base) = pack.base_offset(offset, &header)? else { return Ok(None) };
    let found = match header.kind {
        EntryKind::OfsDelta(_) => rank_before(offsets, rank, base),
        _ => offsets.binary_search(&base).ok(),
    };
    found.map(Some).ok_or_else(|| pack.corrupt(offset, "no entry starts at its delta base"))
}

/// The rank of the entry at `base`, before `rank`. Most bases are close: step back ever further, then search between.
fn rank_before(offsets: &[u64], rank: usize, base: u64) -> Option<usize> {
    let mut step = 1;
    let mut end = rank;
    while step < end && offsets[end - step] > base {
        end -= step;
        step *= 2;
    }
    let start = end.saturating_sub(step);
    offsets[start..end].binary_search(&base).ok().map(|found| start + found)
}
