//! Writing a pack and its idx entry by entry, in quarantine: the other way into storage beside receiving one.
//!
//! What is written is known to be right, so nothing is inflated or named here; the two hashes and the CRCs are computed as
//! the bytes pass. Memory: 36 bytes an object (SHA-1), 8 more while the idx is written; beside them a buffer.

use crate::intake::PackHashes;
use crate::quarantine::Quarantine;
use crate::quarantined::QuarantinedPack;
use packhouse_object::{Error, ObjectFormat, Oid, Result};
use packhouse_pack::IndexBuilder;
use std::path::{Path, PathBuf};

/// Hashed and written at a time, while the cache holds them.
const BUFFER_BYTES: usize = 256 << 10;

/// A pack that is being written. Its file goes when it is dropped before its end.
pub struct PackWriter {
    format: ObjectFormat,
    path: PathBuf,
    object_count: u32,
    quarantine: Quarantine,
    hashes: PackHashes,
    idx: IndexBuilder,
    buffer: Vec<u8>,
}

impl PackWriter {
    /// A pack of so many objects: in memory, and beyond `spill_bytes` in a new file at `path`, the idx beside it.
    #[must_use]
    pub fn new(path: &Path, spill_bytes: u64, format: ObjectFormat, object_count: u32) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        buffer.extend_from_slice(b"PACK\0\0\0\x02");
        buffer.extend_from_slice(&object_count.to_be_bytes());
        Self {
            format,
            path: path.to_owned(),
            object_count,
            quarantine: Quarantine::new(path.to_owned(), spill_bytes),
            hashes: PackHashes::new(format),
            idx: IndexBuilder::with_capacity(format, object_count),
            buffer,
        }
    }

    /// Where the next entry starts, in bytes from the start of the pack.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.quarantine.len() + self.buffer.len() as u64
    }

    /// Append the entry of an object, given in two parts.
    ///
    /// # Errors
    /// `Io`.
    pub fn add(&mut self, oid: &Oid, parts: [&[u8]; 2]) -> Result<()> {
        let mut crc32 = crc32fast::Hasher::new();
        let offset = self.offset();
        for part in parts {
            crc32.update(part);
            self.append(part)?;
        }
        self.idx.push(oid, offset, crc32.finalize());
        Ok(())
    }

    /// Write the trailer and the idx.
    ///
    /// # Errors
    /// `CorruptPack` if there were more or fewer objects than announced, `CorruptIndex` if one came twice; `Io`.
    pub fn finish(mut self) -> Result<QuarantinedPack> {
        if self.idx.len() != self.object_count as usize {
            let what = format!("{} objects were written, {} announced", self.idx.len(), self.object_count);
            return Err(Error::CorruptPack { offset: self.offset(), what });
        }
        self.flush()?;
        let (trailer, digest) = self.hashes.finish()?;
        self.quarantine.append(trailer.as_bytes())?;
        QuarantinedPack::new(self.quarantine, &self.path, self.idx, self.format, (trailer.as_bytes(), digest))
    }

    fn append(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER_BYTES - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            if self.buffer.len() == BUFFER_BYTES {
                self.flush()?;
            }
            bytes = later;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.hashes.update(&self.buffer);
        self.quarantine.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}
