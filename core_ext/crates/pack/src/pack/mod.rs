//! One stored pack and its index.

mod attached;
mod delta_bases;
mod entries;
mod order;

pub use delta_bases::DeltaBases;

use crate::bitmaps::Bitmaps;
use crate::entry::PACK_HEADER_LEN;
use crate::packs::Packs;
use crate::{Bytes, CommitGraph, Index};
use packhouse_object::{Error, ObjectFormat, Oid, Result};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A self-contained pack opened for reading.
///
/// Memory: 1 KiB, once the order of the pack was asked for 4 bytes for each object (8 more while it is made), once the delta
/// bases of all were asked for 4 more (and 12 while they are found), and what commit-graph and bitmaps take.
pub struct Pack {
    id: u64,
    name: String,
    bytes: Bytes,
    index: Index,
    order: OnceLock<Vec<u32>>,
    delta_bases: OnceLock<Option<DeltaBases>>,
    latest_list: Mutex<Weak<Packs>>,
    graph: OnceLock<CommitGraph>,
    /// Set if the order came from a rev file.
    rev: OnceLock<()>,
    pub(crate) bitmaps: OnceLock<Bitmaps>,
}

impl Pack {
    /// Map a pack file and its idx.
    ///
    /// # Errors
    /// `CorruptPack` or `CorruptIndex` as [`Self::new`]; `Io`.
    pub fn open(pack_path: &Path, idx_path: &Path, format: ObjectFormat) -> Result<Self> {
        Self::new(pack_path.display().to_string(), Bytes::open(pack_path)?, Bytes::open(idx_path)?, format)
    }

    /// A pack held in memory; errors call it by its trailer.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn from_bytes(pack: impl Into<Bytes>, idx: impl Into<Bytes>, format: ObjectFormat) -> Result<Self> {
        let bytes: Bytes = pack.into();
        let trailer = Oid::from_bytes(&bytes[bytes.len().saturating_sub(format.oid_len())..]);
        let name = trailer.map_or_else(|_| "in memory".to_owned(), |trailer| format!("{trailer} in memory"));
        Self::new(name, bytes, idx.into(), format)
    }

    /// A pack from its bytes and those of its idx; `name` is what errors call it.
    ///
    /// Entries are checked when they are read, the pack's own hash by [`crate::Database::verify`].
    ///
    /// # Errors
    /// `CorruptPack` if header or size are not those of a pack; `CorruptIndex` if the idx is damaged, is of another pack, or
    /// names an offset outside of it.
    pub fn new(name: String, bytes: Bytes, idx: Bytes, format: ObjectFormat) -> Result<Self> {
        let index = Index::new(idx, format).map_err(|error| index_of_pack(&name, error))?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let (order, delta_bases, rev) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let (graph, bitmaps) = (OnceLock::new(), OnceLock::new());
        let latest_list = Mutex::default();
        let pack = Self { id, name, bytes, index, order, delta_bases, latest_list, graph, rev, bitmaps };
        pack.check_frame()?;
        pack.check_offsets()?;
        Ok(pack)
    }

    /// A number that no other pack of this process has.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// What errors call the pack: its path, or its trailer and that it is in memory.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The format of the objects' names.
    #[must_use]
    pub const fn format(&self) -> ObjectFormat {
        self.index.format()
    }

    /// How many objects the pack holds.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.index.len()
    }

    /// Whether the pack is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// The whole pack, header and trailer included.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The pack's last bytes: the hash of all before.
    #[must_use]
    pub fn trailer(&self) -> &[u8] {
        &self.bytes[self.entries_end()..]
    }

    /// The list of packs that was made last with this one as its newest.
    pub(crate) const fn latest_list(&self) -> &Mutex<Weak<Packs>> {
        &self.latest_list
    }

    pub(crate) fn corrupt(&self, offset: u64, what: &str) -> Error {
        Error::CorruptPack { offset, what: format!("{what} (pack {})", self.name) }
    }

    pub(crate) fn corrupt_index(&self, what: &str) -> Error {
        Error::CorruptIndex { what: format!("{what} (pack {})", self.name) }
    }

    /// Say of an error in a file that belongs to the pack which pack that is.
    pub(crate) fn named_index(&self, error: Error) -> Error {
        index_of_pack(&self.name, error)
    }

    /// Say of an error below where it was met. Limits and the machine's errors stay what they are.
    pub(crate) fn named(&self, offset: u64, error: Error) -> Error {
        match error {
            Error::CorruptPack { what, .. } => self.corrupt(offset, &what),
            Error::CorruptZlib { .. } | Error::CorruptDelta { .. } | Error::CorruptObject { .. } => {
                self.corrupt(offset, &error.to_string())
            }
            other => other,
        }
    }

    const fn oid_len(&self) -> usize {
        self.format().oid_len()
    }

    fn entries_end(&self) -> usize {
        self.bytes.len() - self.oid_len() // `check_frame` has seen that many bytes
    }

    fn check_frame(&self) -> Result<()> {
        let header = self.bytes.first_chunk::<PACK_HEADER_LEN>().map(|header| header.as_chunks::<4>().0);
        let Some(&[magic, version, count]) = header.filter(|_| self.bytes.len() >= PACK_HEADER_LEN + self.oid_len())
        else {
            return Err(self.corrupt(0, &format!("{} bytes are too few for a pack", self.bytes.len())));
        };
        if magic != *b"PACK" || !matches!(u32::from_be_bytes(version), 2 | 3) {
            return Err(self.corrupt(0, "not a pack of version 2 or 3"));
        }
        let count = u32::from_be_bytes(count);
        if count != self.len() {
            return Err(self.corrupt_index(&format!("{} objects, the pack has {count}", self.len())));
        }
        if self.index.pack_trailer() != self.trailer() {
            return Err(self.corrupt_index("made for another pack"));
        }
        Ok(())
    }

    fn check_offsets(&self) -> Result<()> {
        let inside = PACK_HEADER_LEN as u64..self.entries_end() as u64;
        match (0..self.len()).map(|position| self.index.offset_at(position)).find(|offset| !inside.contains(offset)) {
            Some(offset) => Err(self.corrupt_index(&format!("offset {offset} is outside of the pack"))),
            None => Ok(()),
        }
    }
}

fn index_of_pack(name: &str, error: Error) -> Error {
    match error {
        Error::CorruptIndex { what } => Error::CorruptIndex { what: format!("{what} (pack {name})") },
        other => other,
    }
}
