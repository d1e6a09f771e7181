//! The entries of a pack, taken apart as the bytes arrive.
//!
//! The same bytes give the same result in pieces of any size. An entry whose zlib stream lies wholly in the piece at hand
//! is inflated in one go; the others, one a piece, go through a slower streaming inflater.

use crate::entries::Entries;
use crate::options::Options;
use crate::queue::Unnamed;
use crate::workers::Workers;
use packhouse_object::zlib::{StreamInflater, try_inflate};
use packhouse_object::{Error, Hasher, Kind, Result};
use packhouse_pack::entry::{MAX_HEADER_LEN, PACK_HEADER_LEN};
use packhouse_pack::{EntryHeader, EntryKind};

/// What the streaming inflater hands out at a time, in bytes.
const WINDOW_BYTES: usize = 64 << 10;

/// The incremental parser of everything between `PACK` and the trailer.
pub(crate) struct Parser {
    state: State,
    /// Bytes from the start of the pack that were consumed.
    offset: u64,
    announced: u32,
    inflated_bytes: u64,
    /// The start of a header that was cut by the end of a piece.
    carry: Vec<u8>,
    inflater: StreamInflater,
    window: Box<[u8]>,
    entries: Entries,
}

enum State {
    PackHeader,
    EntryHeader,
    Stream(Entry),
    Ended,
}

/// The entry that is being received.
struct Entry {
    offset: u64,
    header: EntryHeader,
    crc32: crc32fast::Hasher,
    content: Content,
}

/// Where the inflated bytes of an entry go.
enum Content {
    /// Nowhere yet: not a byte of the stream has been looked at.
    Untouched,
    /// A commit, tree, tag or blob that is held.
    Held(Vec<u8>, Kind),
    /// A blob that is too large to be held.
    Hashed(Box<Hasher>),
    /// A delta: only where it ends counts now.
    Dropped,
}

impl Parser {
    pub fn new() -> Self {
        Self {
            state: State::PackHeader,
            offset: 0,
            announced: 0,
            inflated_bytes: 0,
            carry: Vec::new(),
            inflater: StreamInflater::new(0),
            window: vec![0; WINDOW_BYTES].into_boxed_slice(),
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

    /// Take in bytes. Returns how many were consumed: all of them unless the entries end before.
    pub fn feed(&mut self, bytes: &[u8], options: &Options, workers: &mut Workers) -> Result<usize> {
        let mut used = 0;
        while used < bytes.len() && !self.is_ended() {
            let step = match std::mem::replace(&mut self.state, State::Ended) {
                State::PackHeader => self.pack_header(&bytes[used..], options)?,
                State::EntryHeader => self.entry_header(&bytes[used..], options)?,
                State::Stream(entry) => self.stream(entry, &bytes[used..], options, workers)?,
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
        if let Some(header) = self.carry.first_chunk::<PACK_HEADER_LEN>() {
            self.announced = announced_objects(header)?;
            if self.announced > options.max_objects {
                let (actual, limit) = (u64::from(self.announced), u64::from(options.max_objects));
                return Err(Error::Limit { what: "objects in a pack", actual, limit });
            }
            self.carry.clear();
            self.state = self.between_entries();
        }
        Ok(step)
    }

    fn entry_header(&mut self, bytes: &[u8], options: &Options) -> Result<usize> {
        let carried = self.carry.len();
        let step = (MAX_HEADER_LEN - carried).min(bytes.len());
        let offset = self.offset - carried as u64;
        let parsed = if carried == 0 {
            EntryHeader::parse(&bytes[..step], offset, options.format)?
        } else {
            self.carry.extend_from_slice(&bytes[..step]);
            EntryHeader::parse(&self.carry, offset, options.format)?
        };
        let Some(header) = parsed else {
            if carried == 0 {
                self.carry.extend_from_slice(&bytes[..step]);
            }
            self.state = State::EntryHeader;
            return Ok(step);
        };
        let step = header.len - carried;
        let mut crc32 = crc32fast::Hasher::new();
        crc32.update(if carried == 0 { &bytes[..step] } else { &self.carry[..header.len] });
        self.carry.clear();
        self.admit(offset, &header, options)?;
        self.state = State::Stream(Entry { offset, header, crc32, content: Content::Untouched });
        Ok(step)
    }

    /// Check what an entry's header announces, and note its base.
    fn admit(&mut self, offset: u64, header: &EntryHeader, options: &Options) -> Result<()> {
        within("object size in bytes", header.size, options.max_object_bytes)?;
        self.inflated_bytes = self.inflated_bytes.saturating_add(header.size);
        within("inflated size of all entries in bytes", self.inflated_bytes, options.max_inflated_bytes)?;
        if header.kind != EntryKind::Whole(Kind::Blob) {
            let what = "size in bytes of a delta, commit, tree or tag";
            within(what, header.size, options.max_resident_object_bytes)?;
        }
        let index = self.entries.len();
        match header.kind {
            EntryKind::Whole(_) => {}
            EntryKind::RefDelta(base) => self.entries.ref_deltas.push((base, index)),
            EntryKind::OfsDelta(distance) => {
                let what = || "delta base offset is out of bound: no entry starts there".to_owned();
                let base = offset.checked_sub(distance).and_then(|base| self.entries.index_of(base));
                let base = base.ok_or_else(|| Error::CorruptPack { offset, what: what() })?;
                self.entries.ofs_deltas.push((base, index));
            }
        }
        Ok(())
    }

    fn stream(&mut self, mut entry: Entry, bytes: &[u8], options: &Options, workers: &mut Workers) -> Result<usize> {
        if matches!(entry.content, Content::Untouched) {
            if let Some(step) = Self::in_one_go(&mut entry, bytes, options, workers)? {
                self.complete(entry, &bytes[..step], workers)?;
                return Ok(step);
            }
            self.inflater.reset(entry.header.size);
            entry.content = entry.start(options, workers);
        }
        let (step, ended) = self.in_pieces(&mut entry, bytes, options)?;
        if ended {
            self.complete(entry, &bytes[..step], workers)?;
        } else {
            entry.crc32.update(&bytes[..step]);
            self.state = State::Stream(entry);
        }
        Ok(step)
    }

    /// Inflate as much of a stream as lies in `bytes`. Returns how many bytes that took, and whether it is at its end.
    fn in_pieces(&mut self, entry: &mut Entry, bytes: &[u8], options: &Options) -> Result<(usize, bool)> {
        let mut used = 0;
        loop {
            options.cancel.check()?;
            let step = self.inflater.step(&bytes[used..], &mut self.window);
            let step = step.map_err(|error| at_offset(entry.offset, error))?;
            entry.take(&self.window[..step.produced]);
            used += step.consumed;
            if step.ended || step.consumed == 0 && step.produced == 0 {
                return Ok((used, step.ended));
            }
        }
    }

    /// Inflate a whole stream, if it lies wholly in `bytes`. Returns its length.
    ///
    /// A stream that goes on beyond is found out only by trying; so that little is lost, no try is made where it has
    /// little chance, and there is one such stream at most for each call of [`Self::feed`].
    fn in_one_go(entry: &mut Entry, bytes: &[u8], options: &Options, workers: &mut Workers) -> Result<Option<usize>> {
        let size = entry.header.size;
        if size > options.max_resident_object_bytes || size / 16 > bytes.len() as u64 {
            return Ok(None);
        }
        options.cancel.check()?;
        let mut content = workers.buffer();
        let step = try_inflate(bytes, size, &mut content).map_err(|error| at_offset(entry.offset, error))?;
        if step.is_none() {
            workers.recycle(content);
            return Ok(None);
        }
        entry.content = match entry.header.kind {
            EntryKind::Whole(kind) => Content::Held(content, kind),
            _ => {
                workers.recycle(content);
                Content::Dropped
            }
        };
        Ok(step)
    }

    fn complete(&mut self, mut entry: Entry, last_bytes: &[u8], workers: &mut Workers) -> Result<()> {
        entry.crc32.update(last_bytes);
        let index = self.entries.len();
        let end = self.offset + last_bytes.len() as u64;
        self.entries.push(entry.offset, end, entry.crc32.finalize());
        self.state = self.between_entries();
        match entry.content {
            Content::Held(content, kind) => workers.push(Unnamed { index, kind, content }),
            Content::Hashed(hasher) => workers.name_large_blob(index, *hasher),
            Content::Dropped | Content::Untouched => Ok(()),
        }
    }

    fn between_entries(&self) -> State {
        if self.entries.len() == self.announced { State::Ended } else { State::EntryHeader }
    }
}

impl Entry {
    fn start(&self, options: &Options, workers: &mut Workers) -> Content {
        match self.header.kind {
            EntryKind::Whole(kind) if self.header.size > options.max_resident_object_bytes => {
                Content::Hashed(Box::new(Hasher::object(options.format, kind, self.header.size)))
            }
            EntryKind::Whole(kind) => Content::Held(workers.buffer(), kind),
            _ => Content::Dropped,
        }
    }

    fn take(&mut self, inflated: &[u8]) {
        match &mut self.content {
            Content::Held(content, _) => content.extend_from_slice(inflated),
            Content::Hashed(hasher) => hasher.update(inflated),
            Content::Untouched | Content::Dropped => {}
        }
    }
}

/// Say of a damaged stream or delta in which entry it was met. Limits and the machine's errors stay what they are.
pub(crate) fn at_offset(offset: u64, error: Error) -> Error {
    match error {
        Error::CorruptZlib { .. } | Error::CorruptDelta { .. } => {
            Error::CorruptPack { offset, what: error.to_string() }
        }
        other => other,
    }
}

pub(crate) fn within(what: &'static str, actual: u64, limit: u64) -> Result<()> {
    if actual > limit { Err(Error::Limit { what, actual, limit }) } else { Ok(()) }
}

fn announced_objects(header: &[u8; PACK_HEADER_LEN]) -> Result<u32> {
    let [magic, version, count] = [0, 4, 8].map(|at| [header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let corrupt = |offset, what| Err(Error::CorruptPack { offset, what });
    if magic != *b"PACK" {
        return corrupt(0, "not a pack: no PACK at its start".to_owned());
    }
    match u32::from_be_bytes(version) {
        2 | 3 => Ok(u32::from_be_bytes(count)),
        other => corrupt(4, format!("pack version {other} is neither 2 nor 3")),
    }
}
