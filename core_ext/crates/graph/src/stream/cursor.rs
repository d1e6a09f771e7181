//! Going through one pack's objects of the answer by offset.
//!
//! Where the answer takes much of a pack, a table of its delta bases tells which entries make a *run*: consecutive ones of
//! which each is whole, or a delta against an earlier one of the run. A run is copied without a look at its headers.

use super::answer::Answer;
use packhouse_object::{CancelFlag, Error, Result};
use packhouse_pack::{DeltaBases, EntryHeader, Ordinal, Pack};
use std::ops::Range;
use std::vec::IntoIter;

/// Up to so many objects are sorted instead of being looked for in the whole pack: 256 KiB.
const MAX_SORTED: u32 = 1 << 16;
/// ... if the pack has at least so many times more.
const SPARSE: u32 = 16;
/// The table of delta bases is made if the answer takes at least one in so many of the pack's objects, or if it is small.
const TABLED: u32 = 4;
const SMALL: u32 = 1 << 14;

/// What is to be taken from a pack next.
pub(crate) enum Taken {
    /// A run of entries, as ranks in the order of the pack.
    Run(Range<usize>),
    /// A single entry, which must be looked at.
    Entry(Entry),
}

/// A stored entry that is to be written.
pub(crate) struct Entry {
    pub(crate) ordinal: Ordinal,
    /// Its bytes in the pack.
    pub(crate) stored: Range<usize>,
    pub(crate) header: EntryHeader,
    /// What it is a delta against, in the same pack; `None` if it is stored whole.
    pub(crate) base: Option<Ordinal>,
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

    /// tabled: the delta bases of the pack, if runs are of use.
    pub(crate) fn next(
        &mut self,
        answer: &Answer,
        number: usize,
        tabled: Option<&DeltaBases>,
    ) -> Result<Option<Taken>> {
        match self {
            Self::Dense(rank) => Dense::new(answer, number, tabled)?.take(rank),
            Self::Sparse(positions) => {
                let entry = positions.next().map(|position| sparse_entry(answer, number, position)).transpose()?;
                Ok(entry.map(Taken::Entry))
            }
        }
    }
}

/// The delta bases of a pack that gives `count` objects to the answer, if that many are worth making a table.
pub(crate) fn table_of<'a>(pack: &'a Pack, count: u32, cancel: &CancelFlag) -> Result<Option<&'a DeltaBases>> {
    if count < pack.len() / TABLED && pack.len() > SMALL { Ok(None) } else { pack.delta_bases(cancel) }
}

/// A pack of which much is taken.
struct Dense<'a> {
    answer: &'a Answer,
    pack: &'a Pack,
    order: &'a [u32],
    first: Ordinal,
    bases: Option<&'a DeltaBases>,
}

impl<'a> Dense<'a> {
    fn new(answer: &'a Answer, number: usize, bases: Option<&'a DeltaBases>) -> Result<Self> {
        let pack = &answer.db.packs()[number];
        Ok(Self { answer, pack, order: pack.pack_order()?, first: answer.db.first_ordinal(number), bases })
    }

    fn take(&self, next: &mut usize) -> Result<Option<Taken>> {
        let skipped = self.order[*next..].iter().position(|&position| self.is_wanted(position));
        let Some(rank) = skipped.map(|skipped| *next + skipped) else {
            *next = self.order.len();
            return Ok(None);
        };
        let run = rank..self.run_end(rank);
        *next = run.end.max(rank + 1);
        if run.is_empty() { self.entry(rank).map(|entry| Some(Taken::Entry(entry))) } else { Ok(Some(Taken::Run(run))) }
    }

    fn is_wanted(&self, position: u32) -> bool {
        self.answer.objects.get(self.first + position)
    }

    /// Where the run ends that starts at `start`; there, if there is none.
    fn run_end(&self, start: usize) -> usize {
        let Some(bases) = self.bases else { return start };
        let is_of_run = |rank: usize| (start..=rank).contains(&(bases.of(rank) as usize));
        let run = self.order[start..].iter().enumerate();
        let length = run.take_while(|&(at, &position)| self.is_wanted(position) && is_of_run(start + at)).count();
        start + length
    }

    fn entry(&self, rank: usize) -> Result<Entry> {
        let (position, start) = (self.order[rank], self.pack.index().offset_at(self.order[rank]));
        let end = match self.order.get(rank + 1) {
            Some(&next) => self.pack.index().offset_at(next),
            None => self.pack.entry_end(start)?,
        };
        let ordinal = self.first + position;
        let base = match self.bases.map(|bases| bases.of(rank) as usize) {
            Some(base) if base == rank => None,
            Some(base) => Some(self.first + self.order[base]),
            None => self.answer.db.base_of(ordinal)?,
        };
        entry_at(self.pack, ordinal, start, end, base)
    }
}

fn sparse_entry(answer: &Answer, number: usize, position: u32) -> Result<Entry> {
    let pack = &answer.db.packs()[number];
    let ordinal = answer.db.first_ordinal(number) + position;
    let start = pack.index().offset_at(position);
    entry_at(pack, ordinal, start, pack.entry_end(start)?, answer.db.base_of(ordinal)?)
}

/// An entry, its bytes as a range of the pack's, which are in memory.
fn entry_at(pack: &Pack, ordinal: Ordinal, start: u64, end: u64, base: Option<Ordinal>) -> Result<Entry> {
    let header = pack.header_at(start)?;
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let stored = range.filter(|&(start, end)| end <= pack.bytes().len() && start + header.len < end);
    let cut_short =
        || Error::CorruptPack { offset: start, what: format!("an entry is cut short (pack {})", pack.name()) };
    let (start, end) = stored.ok_or_else(cut_short)?;
    Ok(Entry { ordinal, stored: start..end, header, base })
}
