//! Going through one pack's objects of the answer by offset.

use super::answer::Answer;
use packhouse_object::Result;
use packhouse_pack::Pack;
use std::sync::Arc;
use std::vec::IntoIter;

/// Up to so many objects are sorted instead of being looked for in the whole pack: 256 KiB.
const MAX_SORTED: u32 = 1 << 16;
/// ... if the pack has at least so many times more.
const SPARSE: u32 = 16;

/// A stored entry that is to be written.
pub(crate) struct Entry {
    pub(crate) position: u32,
    /// Where it starts and ends in the pack, in bytes.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// The entries of one pack that belong to the answer, by ascending offset.
pub(crate) enum Cursor {
    /// The answer takes much of the pack: the next rank in the pack's order to look at.
    Dense(usize),
    /// The answer takes little of it: positions, sorted by offset.
    Sparse(IntoIter<u32>),
}

impl Cursor {
    /// count: how many objects of the answer are at home in the pack at `number`.
    pub(crate) fn new(answer: &Answer, number: usize, count: u32) -> Self {
        let pack = &answer.db.packs()[number];
        if count > MAX_SORTED || count > pack.len() / SPARSE {
            return Self::Dense(0);
        }
        let first = answer.db.first_ordinal(number);
        let mut positions: Vec<_> = (0..pack.len()).filter(|position| answer.objects.get(first + position)).collect();
        positions.sort_unstable_by_key(|&position| pack.index().offset_at(position));
        Self::Sparse(positions.into_iter())
    }

    pub(crate) fn next(&mut self, answer: &Answer, number: usize) -> Result<Option<Entry>> {
        let pack = &answer.db.packs()[number];
        match self {
            Self::Dense(rank) => next_dense(rank, answer, number, pack),
            Self::Sparse(positions) => positions.next().map(|position| sparse_entry(pack, position)).transpose(),
        }
    }
}

fn next_dense(rank: &mut usize, answer: &Answer, number: usize, pack: &Arc<Pack>) -> Result<Option<Entry>> {
    let (order, first) = (pack.pack_order()?, answer.db.first_ordinal(number));
    let Some(skipped) = order[*rank..].iter().position(|position| answer.objects.get(first + position)) else {
        *rank = order.len();
        return Ok(None);
    };
    let position = order[*rank + skipped];
    *rank += skipped + 1;
    let start = pack.index().offset_at(position);
    let end = match order.get(*rank) {
        Some(&next) => pack.index().offset_at(next),
        None => pack.entry_end(start)?,
    };
    Ok(Some(Entry { position, start, end }))
}

fn sparse_entry(pack: &Pack, position: u32) -> Result<Entry> {
    let start = pack.index().offset_at(position);
    Ok(Entry { position, start, end: pack.entry_end(start)? })
}
