//! A blob read in pieces.
//!
//! One that is stored whole is inflated as it is read: what it takes does not depend on its size. One that is stored as a
//! delta is made as a whole, within a limit; the ingest lets no larger deltas in than it can hold itself.

use crate::folder::corrupt;
use packhouse_object::zlib::StreamInflater;
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::{Content, Database, EntryHeader, EntryKind, Pack};
use std::sync::Arc;

/// What is passed over on the way to a later place goes here, piece by piece.
const SKIP_BYTES: usize = 1 << 16;

/// A blob that is being read.
pub struct BlobReader {
    size_bytes: u64,
    source: Source,
    cancel: CancelFlag,
}

enum Source {
    Resident(Content),
    Stored(Box<Stored>),
}

impl BlobReader {
    /// Open a blob. `max_resident_bytes` bounds one that is stored as a delta.
    ///
    /// # Errors
    /// `Missing`; `CorruptObject` if it is no blob; `Limit`; what reading can raise.
    pub fn open(db: &Database, oid: &Oid, max_resident_bytes: u64, cancel: CancelFlag) -> Result<Self> {
        let ordinal = db.require(oid)?;
        let kind = db.kind_of(ordinal)?;
        if kind != Kind::Blob {
            return Err(corrupt(*oid, format!("a {kind} where a blob is needed")));
        }
        let (pack, offset) = db.pack_and_offset(ordinal);
        let header = pack.header_at(offset)?;
        let source = match header.kind {
            EntryKind::Whole(_) => Source::Stored(Box::new(Stored::new(Arc::clone(pack), offset, header))),
            _ => Source::Resident(db.read(ordinal, max_resident_bytes)?.1),
        };
        Ok(Self { size_bytes: db.size_of(ordinal)?, source, cancel })
    }

    /// The blob's size.
    #[must_use]
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Read from `offset` on, at most `max_bytes`; fewer only at the end.
    ///
    /// Cost: what is read, if it goes on where the last read ended; else what lies between, or from the start.
    ///
    /// # Errors
    /// `CorruptPack` for a damaged stream; `Cancelled`.
    pub fn read(&mut self, offset: u64, max_bytes: usize) -> Result<Vec<u8>> {
        let left = usize::try_from(self.size_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = left.min(max_bytes);
        if len == 0 {
            return Ok(Vec::new());
        }
        match &mut self.source {
            Source::Resident(content) => {
                let start = usize::try_from(offset).unwrap_or_else(|_| unreachable!("it is within what is in memory"));
                Ok(content[start..start + len].to_vec())
            }
            Source::Stored(stored) => {
                stored.seek(offset, &self.cancel)?;
                let mut out = vec![0; len];
                stored.fill(&mut out, &self.cancel)?;
                Ok(out)
            }
        }
    }
}

/// A whole entry of a pack, inflated up to some place.
struct Stored {
    pack: Arc<Pack>,
    offset: u64,
    header: EntryHeader,
    inflater: StreamInflater,
    /// Bytes of the stream that were taken in.
    consumed: usize,
    /// Bytes of the content that were made.
    produced: u64,
    ended: bool,
}

impl Stored {
    fn new(pack: Arc<Pack>, offset: u64, header: EntryHeader) -> Self {
        let inflater = StreamInflater::new(header.size);
        Self { pack, offset, header, inflater, consumed: 0, produced: 0, ended: false }
    }

    fn seek(&mut self, offset: u64, cancel: &CancelFlag) -> Result<()> {
        if offset < self.produced {
            self.inflater.reset(self.header.size);
            (self.consumed, self.produced, self.ended) = (0, 0, false);
        }
        let mut skipped = Vec::new();
        while self.produced < offset {
            let step = usize::try_from(offset - self.produced).unwrap_or(SKIP_BYTES).min(SKIP_BYTES);
            skipped.resize(step, 0);
            self.fill(&mut skipped, cancel)?;
        }
        Ok(())
    }

    /// Inflate until `out` is full. At the end of the content, see that the stream ends there, too.
    fn fill(&mut self, out: &mut [u8], cancel: &CancelFlag) -> Result<()> {
        let mut filled = 0;
        while filled < out.len() || (self.produced == self.header.size && !self.ended) {
            cancel.check()?;
            let end = out.len().min(filled + SKIP_BYTES);
            filled += self.step(&mut out[filled..end])?;
        }
        Ok(())
    }

    fn step(&mut self, out: &mut [u8]) -> Result<usize> {
        let stream = self.pack.stream_at(self.offset, &self.header)?;
        let step =
            self.inflater.step(&stream[self.consumed..], out).map_err(|error| self.damaged(&error.to_string()))?;
        if step.consumed == 0 && step.produced == 0 && !step.ended {
            return Err(self.damaged("the zlib stream is cut short"));
        }
        self.consumed += step.consumed;
        self.produced += step.produced as u64;
        self.ended = step.ended;
        Ok(step.produced)
    }

    fn damaged(&self, what: &str) -> Error {
        Error::CorruptPack { offset: self.offset, what: format!("{what} (pack {})", self.pack.name()) }
    }
}
