//! Putting a pack together: what was planned, at the place where it comes to lie.
//!
//! What is whole, and a delta whose base keeps its distance, is copied with its header; other deltas get a new header before
//! the stored zlib stream. A base that is not in the pack, or whose place was forgotten, is named by its id.

use super::ahead::{Ahead, WORTH_THREADS_BYTES};
use super::answer::{Answer, Form};
use super::cursor::Entry;
use super::plan::{Piece, Plan};
use super::remake::{Remaker, Remaking};
use super::shifts::Shifts;
use packhouse_object::{Error, Result};
use packhouse_pack::entry::PACK_HEADER_LEN;
use packhouse_pack::{EntryHeader, EntryKind, Ordinal, Pack};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// So much is planned ahead of what is written: objects that are being compressed, by size, and pieces.
const AHEAD_BYTES: u64 = 4 << 20;
const AHEAD_PIECES: usize = 1 << 12;

/// A piece of the new pack.
pub(crate) enum Assembled {
    /// Consecutive entries of the pack at this place, by rank, and their bytes there.
    Run(usize, Range<usize>, Range<usize>),
    /// An entry that comes from the pack at this place.
    Entry(usize, Part),
}

/// One entry of the new pack: bytes made for it, and then a range of the stored pack's.
pub(crate) struct Part {
    pub(crate) ordinal: Ordinal,
    pub(crate) made: Vec<u8>,
    /// Empty if the entry was made anew.
    pub(crate) copied: Range<usize>,
    /// All bytes of the stored entry.
    pub(crate) stored: Range<usize>,
}

/// A pack being put together.
pub(crate) struct Assembly {
    answer: Arc<Answer>,
    plan: Plan,
    /// What was planned and is not written.
    ahead: VecDeque<Piece>,
    remaker: Ahead<Remaker>,
    /// The pack in the database that is being copied from.
    number: usize,
    shifts: Shifts,
    /// Where the next entry starts in the new pack, in bytes.
    offset: u64,
    reused: u32,
}

impl Assembly {
    pub(crate) fn new(answer: Answer, remaking: Remaking) -> Self {
        let answer = Arc::new(answer);
        Self {
            plan: Plan::new(Arc::clone(&answer)),
            remaker: Ahead::new(Remaker::new(Arc::clone(&answer), remaking), remaking.threads, WORTH_THREADS_BYTES),
            answer,
            ahead: VecDeque::new(),
            number: 0,
            shifts: Shifts::new(),
            offset: PACK_HEADER_LEN as u64,
            reused: 0,
        }
    }

    pub(crate) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The pack at a place in the database.
    pub(crate) fn pack(&self, number: usize) -> &Arc<Pack> {
        &self.answer.db.packs()[number]
    }

    /// How many entries are copied as they were stored, so far.
    pub(crate) const fn reused(&self) -> u32 {
        self.reused
    }

    /// The pack that is the answer, byte for byte, if there is one. Nothing else is to be written then.
    pub(crate) fn take_verbatim(&mut self) -> Option<Arc<Pack>> {
        let pack = self.plan.take_verbatim()?;
        self.reused = pack.len();
        Some(pack)
    }

    /// The next piece, in the order of the new pack.
    pub(crate) fn next(&mut self) -> Result<Option<Assembled>> {
        self.plan_ahead()?;
        let Some(piece) = self.ahead.pop_front() else { return Ok(None) };
        match piece {
            Piece::Run(number, ranks) => self.place_run(number, ranks).map(Some),
            Piece::Entry(number, entry, form) => {
                self.enter(number);
                Ok(Some(Assembled::Entry(number, self.place(entry, form)?)))
            }
        }
    }

    /// Plan the next piece, and while others can compress, some more.
    fn plan_ahead(&mut self) -> Result<()> {
        while self.ahead.is_empty() || (self.remaker.works_ahead() && self.has_room_ahead()) {
            let Some(piece) = self.plan.next()? else { break };
            if let Piece::Entry(_, entry, Form::Unusable) = &piece {
                self.remaker.add(entry.ordinal)?;
            }
            self.ahead.push_back(piece);
        }
        Ok(())
    }

    fn has_room_ahead(&self) -> bool {
        self.ahead.len() < AHEAD_PIECES && self.remaker.waiting_bytes() < AHEAD_BYTES
    }

    fn enter(&mut self, number: usize) {
        if number != self.number {
            self.number = number;
            self.shifts.clear();
        }
    }

    fn place_run(&mut self, number: usize, ranks: Range<usize>) -> Result<Assembled> {
        self.enter(number);
        let stored = run_bytes(&self.answer.db.packs()[number], &ranks)?;
        self.shifts.note(stored.start as u64, self.offset);
        self.offset += stored.len() as u64;
        self.reused += u32::try_from(ranks.len()).unwrap_or(u32::MAX);
        Ok(Assembled::Run(number, ranks, stored))
    }

    fn place(&mut self, entry: Entry, form: Form) -> Result<Part> {
        let Entry { ordinal, stored, header, .. } = entry;
        self.shifts.note(stored.start as u64, self.offset);
        let (made, copied) = match self.kind_as(stored.start as u64, &header, form) {
            Some(kind) if kind == header.kind => (Vec::new(), stored.clone()),
            Some(kind) => {
                let mut head = Vec::new();
                EntryHeader::write(kind, header.size, &mut head);
                (head, stored.start + header.len..stored.end)
            }
            None => (self.remaker.take()?, 0..0),
        };
        self.reused += u32::from(!copied.is_empty());
        self.offset += (made.len() + copied.len()) as u64;
        Ok(Part { ordinal, made, copied, stored })
    }

    /// As what an entry's stored zlib stream is to be written; `None` if it is of no use.
    fn kind_as(&self, start: u64, header: &EntryHeader, form: Form) -> Option<EntryKind> {
        let base = match form {
            Form::Whole => return Some(header.kind),
            Form::Unusable => return None,
            Form::Delta(base) | Form::Thin(base) => base,
        };
        let EntryKind::OfsDelta(distance) = header.kind else { return Some(header.kind) };
        Some(match self.new_offset_of(base, start - distance) {
            Some(new_base) => EntryKind::OfsDelta(self.offset - new_base),
            None => EntryKind::RefDelta(self.answer.db.oid_of(base)),
        })
    }

    /// Where a base was written, if the delta may name it by offset.
    fn new_offset_of(&self, base: Ordinal, stored_offset: u64) -> Option<u64> {
        let is_here = self.answer.objects.get(base) && self.answer.db.pack_number(base).0 == self.number;
        if is_here && self.answer.ofs_delta { self.shifts.new_offset(stored_offset) } else { None }
    }
}

/// The bytes of consecutive entries.
fn run_bytes(pack: &Pack, ranks: &Range<usize>) -> Result<Range<usize>> {
    let entries_end = pack.bytes().len() - pack.trailer().len();
    if *ranks == (0..pack.len() as usize) {
        return Ok(PACK_HEADER_LEN..entries_end); // whatever their order
    }
    let order = pack.pack_order()?;
    let start_of = |rank: usize| order.get(rank).map_or(entries_end as u64, |&at| pack.index().offset_at(at));
    let (start, end) = (start_of(ranks.start), start_of(ranks.end));
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let range = range.filter(|&(start, end)| start < end && end <= entries_end);
    let damaged =
        || Error::CorruptPack { offset: start, what: format!("no entries can lie here (pack {})", pack.name()) };
    range.map(|(start, end)| start..end).ok_or_else(damaged)
}
