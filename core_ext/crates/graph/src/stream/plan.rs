//! What a pack is made of: packs newest first, in each pack the entries by their offset.
//!
//! - All of a pack is wanted: its entries are one run of bytes. Their deltas stay valid, distances and all, because
//!   every base is copied with them.
//! - Some of it is wanted: each entry is looked at. What is whole, and a delta whose base keeps its distance, stays part of a
//!   run; other deltas get a new header before the stored zlib stream.
//! - What has no usable stored form (see `answer.rs`) is inflated and compressed again, whole.
//!
//! The stored CRCs of the idx are not looked at: bulk data was verified when it arrived, and the reader of the answer
//! hashes every object.

use super::answer::{Answer, Form};
use super::chunks::Chunks;
use super::cursor::{Cursor, Entry};
use super::depths::{Depths, MAX_CHAIN_DEPTH};
use super::shifts::Shifts;
use packhouse_object::{Error, Kind, Result, hash_object, zlib};
use packhouse_pack::entry::PACK_HEADER_LEN;
use packhouse_pack::{Database, EntryHeader, EntryKind, Ordinal, Pack};
use std::ops::Range;
use std::sync::Arc;

/// One entry of the new pack: bytes made for it, and then a range of the stored pack's.
pub(crate) struct Part {
    pub(crate) ordinal: Ordinal,
    pub(crate) made: Vec<u8>,
    pub(crate) copied: Range<usize>,
    /// All bytes of the stored entry.
    pub(crate) stored: Range<usize>,
}

/// How what has no usable stored form is compressed again.
#[derive(Clone, Copy)]
pub(crate) struct Remaking {
    /// The zlib level.
    pub(crate) level: u32,
    /// Whether its content is hashed again, because nobody else will.
    pub(crate) checks_names: bool,
}

/// The entries still to be written.
pub(crate) struct Plan {
    answer: Answer,
    remaking: Remaking,
    counts: Vec<u32>,
    number: usize,
    cursor: Option<Cursor>,
    shifts: Shifts,
    /// Only where more than one pack gives objects.
    depths: Option<Depths>,
    /// Where the next entry starts in the new pack, in bytes.
    offset: u64,
    reused: u32,
}

impl Plan {
    pub(crate) fn new(answer: Answer, remaking: Remaking) -> Self {
        let counts = answer.objects_by_pack();
        let crosses = counts.iter().filter(|&&count| count > 0).count() > 1;
        let depths = crosses.then(|| Depths::new(MAX_CHAIN_DEPTH));
        let offset = PACK_HEADER_LEN as u64;
        Self { answer, remaking, counts, number: 0, cursor: None, shifts: Shifts::new(), depths, offset, reused: 0 }
    }

    pub(crate) const fn reused(&self) -> u32 {
        self.reused
    }

    /// The pack that is the answer, byte for byte, if there is one. Nothing else is to be written then.
    pub(crate) fn take_verbatim(&mut self) -> Option<Arc<Pack>> {
        let mut giving = (0..self.counts.len()).filter(|&number| self.counts[number] > 0);
        let (number, None) = (giving.next()?, giving.next()) else { return None };
        let pack = &self.answer.db.packs()[number];
        if !self.is_complete(number) || !has_our_header(pack) {
            return None;
        }
        self.reused = pack.len();
        self.number = self.counts.len();
        Some(Arc::clone(pack))
    }

    /// Decide on the next entry, or the next pack. Returns whether there was one.
    pub(crate) fn step(&mut self, chunks: &mut Chunks) -> Result<bool> {
        while self.number < self.counts.len() {
            if self.counts[self.number] > 0 {
                if self.is_complete(self.number) {
                    self.copy_pack(chunks);
                    return Ok(true);
                }
                if let Some(entry) = self.next_entry()? {
                    self.write_entry(&entry, chunks)?;
                    return Ok(true);
                }
            }
            self.next_pack();
        }
        Ok(false)
    }

    /// Whether a pack's entries can be copied as one run.
    fn is_complete(&self, number: usize) -> bool {
        self.answer.ofs_delta && self.counts[number] == self.answer.db.packs()[number].len()
    }

    fn next_pack(&mut self) {
        self.number += 1;
        self.cursor = None;
        self.shifts.clear();
    }

    fn copy_pack(&mut self, chunks: &mut Chunks) {
        let pack = Arc::clone(&self.answer.db.packs()[self.number]);
        let end = pack.bytes().len() - pack.trailer().len();
        chunks.add_stored(&pack, PACK_HEADER_LEN..end);
        self.offset += (end - PACK_HEADER_LEN) as u64;
        self.reused += pack.len();
        self.next_pack();
    }

    fn next_entry(&mut self) -> Result<Option<Entry>> {
        let (answer, number) = (&self.answer, self.number);
        self.cursor.get_or_insert_with(|| Cursor::new(answer, number, self.counts[number])).next(answer, number)
    }

    /// Decide on the next entry by itself, also where a whole pack could be copied as one run.
    pub(crate) fn next_part(&mut self) -> Result<Option<Part>> {
        while self.number < self.counts.len() {
            if self.counts[self.number] > 0
                && let Some(entry) = self.next_entry()?
            {
                return self.part_of(&entry).map(Some);
            }
            self.next_pack();
        }
        Ok(None)
    }

    fn write_entry(&mut self, entry: &Entry, chunks: &mut Chunks) -> Result<()> {
        let part = self.part_of(entry)?;
        if !part.made.is_empty() {
            chunks.add_made(part.made);
        }
        if !part.copied.is_empty() {
            chunks.add_stored(&self.answer.db.packs()[self.number], part.copied);
        }
        Ok(())
    }

    /// Of what an entry of the new pack consists.
    fn part_of(&mut self, entry: &Entry) -> Result<Part> {
        let pack = &self.answer.db.packs()[self.number];
        let header = pack.header_at(entry.start)?;
        let (start, end) = range_in(pack, entry, &header)?;
        let (ordinal, mut made) = (self.ordinal_of(entry), Vec::new());
        self.shifts.note(entry.start, self.offset);
        let copied = match self.kind_of(entry, &header)? {
            Some(kind) if kind == header.kind => start..end,
            Some(kind) => {
                EntryHeader::write(kind, header.size, &mut made);
                start + header.len..end
            }
            None => {
                made = self.made_whole(ordinal)?;
                0..0
            }
        };
        self.offset += (made.len() + copied.len()) as u64;
        Ok(Part { ordinal, made, copied, stored: start..end })
    }

    /// As what an entry's stored zlib stream is to be written; `None` if it is of no use.
    fn kind_of(&mut self, entry: &Entry, header: &EntryHeader) -> Result<Option<EntryKind>> {
        let ordinal = self.ordinal_of(entry);
        let kind = match header.kind {
            EntryKind::Whole(_) => Some(header.kind),
            EntryKind::OfsDelta(_) | EntryKind::RefDelta(_) => self.delta_kind(ordinal, entry, header)?,
        };
        self.reused += u32::from(kind.is_some());
        Ok(kind)
    }

    fn delta_kind(&mut self, ordinal: Ordinal, entry: &Entry, header: &EntryHeader) -> Result<Option<EntryKind>> {
        let base = match self.answer.form_of(ordinal)? {
            Form::Whole | Form::Unusable => return Ok(None),
            Form::Delta(_) if self.is_too_deep(ordinal)? => return Ok(None),
            Form::Delta(base) | Form::Thin(base) => base,
        };
        let EntryKind::OfsDelta(distance) = header.kind else { return Ok(Some(header.kind)) };
        let new_base = self.new_offset_of(base, entry.start - distance);
        Ok(Some(match new_base {
            Some(new_base) => EntryKind::OfsDelta(self.offset - new_base),
            None => EntryKind::RefDelta(self.answer.db.oid_of(base)),
        }))
    }

    fn is_too_deep(&mut self, ordinal: Ordinal) -> Result<bool> {
        self.depths.as_mut().map_or(Ok(false), |depths| Ok(depths.of(&self.answer, ordinal)? == 0))
    }

    /// Where a base was written, if the delta may name it by offset.
    fn new_offset_of(&self, base: Ordinal, stored_offset: u64) -> Option<u64> {
        let is_here = self.answer.objects.get(base) && self.answer.db.pack_number(base).0 == self.number;
        if is_here && self.answer.ofs_delta { self.shifts.new_offset(stored_offset) } else { None }
    }

    fn ordinal_of(&self, entry: &Entry) -> Ordinal {
        self.answer.db.first_ordinal(self.number) + entry.position
    }

    pub(crate) const fn answer(&self) -> &Answer {
        &self.answer
    }

    fn made_whole(&self, ordinal: Ordinal) -> Result<Vec<u8>> {
        let db = &self.answer.db;
        let (kind, content) = db.read(ordinal, db.limits().max_object_bytes)?;
        if self.remaking.checks_names {
            check_name(db, ordinal, kind, &content)?;
        }
        let mut bytes = Vec::new();
        EntryHeader::write(EntryKind::Whole(kind), content.len() as u64, &mut bytes);
        bytes.extend_from_slice(&zlib::deflate(&content, self.remaking.level));
        Ok(bytes)
    }
}

fn check_name(db: &Database, ordinal: Ordinal, kind: Kind, content: &[u8]) -> Result<()> {
    let oid = db.oid_of(ordinal);
    if hash_object(db.format(), kind, content)? == oid {
        return Ok(());
    }
    let (pack, offset) = db.pack_and_offset(ordinal);
    let what = format!("the content of {oid} does not hash to its name (pack {})", pack.name());
    Err(Error::CorruptPack { offset, what })
}

fn has_our_header(pack: &Pack) -> bool {
    pack.bytes().starts_with(&super::PACK_SIGNATURE)
}

/// An entry's bytes as a range of the pack's, which are in memory.
fn range_in(pack: &Pack, entry: &Entry, header: &EntryHeader) -> Result<(usize, usize)> {
    let range = usize::try_from(entry.start).ok().zip(usize::try_from(entry.end).ok());
    range.filter(|&(start, end)| end <= pack.bytes().len() && start + header.len < end).ok_or_else(|| {
        Error::CorruptPack { offset: entry.start, what: format!("an entry is cut short (pack {})", pack.name()) }
    })
}
