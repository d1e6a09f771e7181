//! A small pack made of whole objects.

use crate::intake::PackHashes;
use hashbrown::HashSet;
use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result, hash_object, zlib};
use packhouse_pack::entry::PACK_HEADER_LEN;
use packhouse_pack::{EntryHeader, EntryKind};

/// A folder of some thousand files.
const LARGE_TREE_BYTES: usize = 256 << 10;

/// Collects objects and writes the pack of them, in the order in which they were added. All of it lies in memory.
pub struct PackBuilder {
    format: ObjectFormat,
    level: u32,
    /// The pack so far; its header counts no objects yet.
    bytes: Vec<u8>,
    oids: HashSet<Oid>,
}

impl PackBuilder {
    /// A builder that deflates at `level`, 0 to 12.
    #[must_use]
    pub fn new(format: ObjectFormat, level: u32) -> Self {
        Self { format, level, bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), oids: HashSet::new() }
    }

    /// Add an object unless it is in already. Returns its id.
    ///
    /// # Errors
    /// `Collision`; `Limit` beyond 2^32 - 1 objects.
    pub fn add(&mut self, kind: Kind, content: &[u8]) -> Result<Oid> {
        let oid = hash_object(self.format, kind, content)?;
        if self.oids.len() >= u32::MAX as usize {
            let limit = u64::from(u32::MAX);
            return Err(Error::Limit { what: "objects in a pack", actual: limit + 1, limit });
        }
        if self.oids.insert(oid) {
            EntryHeader::write(EntryKind::Whole(kind), content.len() as u64, &mut self.bytes);
            self.bytes.extend_from_slice(&zlib::deflate(content, self.level_for(kind, content.len())));
        }
        Ok(oid)
    }

    /// Most of a tree are hashes, out of which no level gets anything; a large one is written while somebody waits.
    fn level_for(&self, kind: Kind, len: usize) -> u32 {
        if kind == Kind::Tree && len >= LARGE_TREE_BYTES { self.level.min(1) } else { self.level }
    }

    /// How many objects are in.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.oids.len()).unwrap_or(u32::MAX)
    }

    /// Whether no object is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.oids.is_empty()
    }

    /// The bytes of the pack. More can be added afterwards.
    ///
    /// # Errors
    /// None that its objects can cause.
    pub fn finish(&self) -> Result<Vec<u8>> {
        let mut pack = self.bytes.clone();
        pack[PACK_HEADER_LEN - 4..PACK_HEADER_LEN].copy_from_slice(&self.len().to_be_bytes());
        let mut hashes = PackHashes::new(self.format);
        hashes.update(&pack);
        let (trailer, _) = hashes.finish()?;
        pack.extend_from_slice(trailer.as_bytes());
        Ok(pack)
    }
}
