//! The entries of a pack, taken apart as the bytes arrive.
//!
//! The same bytes give the same result in pieces of any size. An entry whose zlib stream lies wholly in the piece at hand
//! is inflated in one go; the others, one a piece, go through a slower streaming inflater.

use crate::entries::Entries;
use crate::inflate::Inflater;
use crate::options::Options;
use crate::receiving::Receiving;
use crate::workers::Workers;
use packhouse_object::{Error, Kind, Result};
use packhouse_pack::entry::{MAX_HEADER_LEN, PACK_HEADER_LEN};
use packhouse_pack::{EntryHeader, EntryKind};

/// The incremental parser of everything before the trailer.
pub(crate) struct Parser {
    state: State,
    /// Bytes from the start of the pack that were consumed.
    offset: u64,
    announced: u32,
    inflated_bytes: u64,
    /// The start of a header that is not all there.
    carry: Vec<u8>,
    inflater: Inflater,
    entries: Entries,
}

enum State {
    PackHeader,
    EntryHeader,
    Stream(Receiving),
    Ended,
}

impl Parser {
    pub fn new() -> Self {
        Self {
            state: State::PackHeader,
            offset: 0,
            announced: 0,
            inflated_bytes: 0,
            carry: Vec::new(),
            inflater: Inflater::new(),
            entries: Entries::default(),
        }
    }

    /// How many entries the pack's header announces; 0 before that has arrived.
    pub const fn announced(&self) -> u32 {
        self.announced
    }

    pub const fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Bytes from the start of the pack that were consumed.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether all announced entries are there: what follows is the trailer.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub fn into_entries(self) -> Entries {
        self.entries
    }

    /// Take in bytes. Returns how many were consumed: all of them unless the entries end before. Useless after an error.
    pub fn feed(&mut self, bytes: &[u8], options: &Options, workers: &mut Workers) -> Result<usize> {
        let mut used = 0;
        while used < bytes.len() && !self.is_ended() {
            let rest = &bytes[used..];
            let step = match std::mem::replace(&mut self.state, State::Ended) {
                State::PackHeader => self.pack_header(rest, options)?,
                State::EntryHeader => self.entry_header(rest, options)?,
                State::Stream(entry) => self.stream(entry, rest, options, workers)?,
                State::Ended => 0,
            };
            used += step;
            self.offset += step as u64;
        }
        Ok(used)
    }

    fn pack_header(&mut self, bytes: &[u8], options: &Options) -> Result<usize> {
        let step = (PACK_HEADER_LEN - self.carry.len()).min(bytes.len());
        self.carry.extend_from_slice(&bytes[..step]);
        self.state = State::PackHeader;
        if let Some(header) = self.carry.first_chunk() {
            self.announced = announced_objects(header)?;
            within("objects in a pack", u64::from(self.announced), u64::from(options.max_objects))?;
            self.carry.clear();
            self.state = self.between_entries();
        }
        Ok(step)
    }

    fn entry_header(&mut self, bytes: &[u8], options: &Options) -> Result<usize> {
        let carried = self.carry.len();
        let offset = self.offset - carried as u64;
        let step = (MAX_HEADER_LEN - carried).min(bytes.len());
        self.carry.extend_from_slice(&bytes[..step]);
        self.state = State::EntryHeader;
        let Some(header) = EntryHeader::parse(&self.carry, offset, options.format)? else { return Ok(step) };
        self.check_sizes(&header, options)?;
        self.note_base(offset, &header)?;
        self.state = State::Stream(Receiving::new(offset, header, &self.carry[..header.len]));
        self.carry.clear();
        Ok(header.len - carried)
    }

    fn check_sizes(&mut self, header: &EntryHeader, options: &Options) -> Result<()> {
        within("object size in bytes", header.size, options.max_object_bytes)?;
        self.inflated_bytes = self.inflated_bytes.saturating_add(header.size);
        within("inflated size of all entries in bytes", self.inflated_bytes, options.max_inflated_bytes)?;
        if header.kind == EntryKind::Whole(Kind::Blob) {
            return Ok(());
        }
        within("size in bytes of a delta, commit, tree or tag", header.size, options.max_resident_object_bytes)
    }

    fn note_base(&mut self, offset: u64, header: &EntryHeader) -> Result<()> {
        let index = self.entries.len();
        match header.kind {
            EntryKind::Whole(_) => {}
            EntryKind::RefDelta(base) => self.entries.ref_deltas.push((base, index)),
            EntryKind::OfsDelta(distance) => {
                let base = offset.checked_sub(distance).and_then(|base| self.entries.index_of(base));
                let what = || "delta base offset is out of bound: no entry starts there".to_owned();
                let base = base.ok_or_else(|| Error::CorruptPack { offset, what: what() })?;
                self.entries.ofs_deltas.push((base, index));
            }
        }
        Ok(())
    }

    fn stream(
        &mut self,
        mut entry: Receiving,
        bytes: &[u8],
        options: &Options,
        workers: &mut Workers,
    ) -> Result<usize> {
        let (step, is_ended) = entry.take(bytes, options, &mut self.inflater, workers)?;
        if is_ended {
            let (offset, end) = (entry.offset, self.offset + step as u64);
            let crc32 = entry.complete(self.entries.len(), workers)?;
            self.entries.push(offset, end, crc32);
            self.state = self.between_entries();
        } else {
            self.state = State::Stream(entry);
        }
        Ok(step)
    }

    fn between_entries(&self) -> State {
        if self.entries.len() == self.announced { State::Ended } else { State::EntryHeader }
    }
}

/// Check a length from outside against its limit.
pub(crate) const fn within(what: &'static str, actual: u64, limit: u64) -> Result<()> {
    if actual > limit { Err(Error::Limit { what, actual, limit }) } else { Ok(()) }
}

fn announced_objects(header: &[u8; PACK_HEADER_LEN]) -> Result<u32> {
    let [magic, version, count] = [0, 4, 8].map(|at| [header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if magic != *b"PACK" {
        return Err(Error::CorruptPack { offset: 0, what: "not a pack: no PACK at its start".to_owned() });
    }
    match u32::from_be_bytes(version) {
        2 | 3 => Ok(u32::from_be_bytes(count)),
        other => Err(Error::CorruptPack { offset: 4, what: format!("pack version {other} is neither 2 nor 3") }),
    }
}
