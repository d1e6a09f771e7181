//! One entry while its zlib stream arrives.

use crate::inflate::{Inflater, ONE_GO_BYTES, at_offset};
use crate::options::Options;
use crate::queue::Unnamed;
use crate::workers::Workers;
use packhouse_object::zlib::try_inflate;
use packhouse_object::{Hasher, Kind, Result};
use packhouse_pack::{EntryHeader, EntryKind};

/// The entry that is being received.
pub(crate) struct Receiving {
    pub offset: u64,
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

impl Receiving {
    /// An entry of which `header_bytes` have arrived.
    pub fn new(offset: u64, header: EntryHeader, header_bytes: &[u8]) -> Self {
        let mut crc32 = crc32fast::Hasher::new();
        crc32.update(header_bytes);
        Self { offset, header, crc32, content: Content::Untouched }
    }

    /// Take in bytes of the stream. Returns how many belonged to it, and whether it is at its end.
    pub fn take(
        &mut self,
        bytes: &[u8],
        options: &Options,
        inflater: &mut Inflater,
        workers: &mut Workers,
    ) -> Result<(usize, bool)> {
        options.cancel.check()?;
        if matches!(self.content, Content::Untouched) {
            if let Some(used) = self.in_one_go(bytes, options, workers)? {
                self.crc32.update(&bytes[..used]);
                return Ok((used, true));
            }
            inflater.reset(self.header.size);
            self.content = self.start(options, workers);
        }
        let taken = inflater.take(bytes, &options.cancel, |inflated| self.content.keep(inflated));
        let (used, is_ended) = taken.map_err(|error| at_offset(self.offset, error))?;
        self.crc32.update(&bytes[..used]);
        Ok((used, is_ended))
    }

    /// The end of the stream: have the object named. Returns the CRC-32 of the entry.
    pub fn complete(self, index: u32, workers: &mut Workers) -> Result<u32> {
        match self.content {
            Content::Held(content, kind) => workers.push(Unnamed { index, kind, content })?,
            Content::Hashed(hasher) => workers.name_large_blob(index, *hasher)?,
            Content::Dropped | Content::Untouched => {}
        }
        Ok(self.crc32.finalize())
    }

    /// Inflate a whole stream, if it lies wholly in `bytes`. Returns its length.
    ///
    /// A stream that goes on beyond is found out only by trying; so that little is lost, no try is made where it has
    /// little chance, and there is one such stream at most for each piece of the pack.
    fn in_one_go(&mut self, bytes: &[u8], options: &Options, workers: &mut Workers) -> Result<Option<usize>> {
        let size = self.header.size;
        if size > options.max_resident_object_bytes.min(ONE_GO_BYTES) || size / 16 > bytes.len() as u64 {
            return Ok(None);
        }
        let mut content = workers.buffer();
        let used = try_inflate(bytes, size, &mut content).map_err(|error| at_offset(self.offset, error))?;
        match self.header.kind {
            EntryKind::Whole(kind) if used.is_some() => self.content = Content::Held(content, kind),
            _ => workers.recycle(content),
        }
        Ok(used)
    }

    fn start(&self, options: &Options, workers: &mut Workers) -> Content {
        match self.header.kind {
            EntryKind::Whole(kind) if self.header.size > options.max_resident_object_bytes => {
                Content::Hashed(Box::new(Hasher::object(options.format, kind, self.header.size)))
            }
            EntryKind::Whole(kind) => Content::Held(workers.buffer(), kind),
            _ => Content::Dropped,
        }
    }
}

impl Content {
    fn keep(&mut self, inflated: &[u8]) {
        match self {
            Self::Held(content, _) => content.extend_from_slice(inflated),
            Self::Hashed(hasher) => hasher.update(inflated),
            Self::Untouched | Self::Dropped => {}
        }
    }
}
