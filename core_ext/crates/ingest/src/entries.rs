//! What is known of each entry of a pack once its bytes have passed: 12 bytes, and 8 more for an offset delta or 40 for a
//! delta that names its base by id.
//!
//! An *index* is an entry's rank in the pack, from 0.

use packhouse_object::{Error, ObjectFormat, Oid, Result};
use packhouse_pack::EntryHeader;

/// The entries of a pack, in the order in which they lie in it.
#[derive(Default)]
pub(crate) struct Entries {
    offsets: Vec<u64>,
    crc32s: Vec<u32>,
    /// (index of the base, index of the delta), in pack order of the deltas.
    pub ofs_deltas: Vec<(u32, u32)>,
    /// (id of the base, index of the delta), in pack order of the deltas.
    pub ref_deltas: Vec<(Oid, u32)>,
    /// Where the last entry ends.
    end: u64,
}

impl Entries {
    pub fn len(&self) -> u32 {
        #[allow(clippy::cast_possible_truncation)] // a pack announces its entries in 32 bits
        let count = self.offsets.len() as u32;
        count
    }

    pub fn push(&mut self, offset: u64, end: u64, crc32: u32) {
        self.offsets.push(offset);
        self.crc32s.push(crc32);
        self.end = end;
    }

    /// Add an entry right behind the last. Returns its index.
    pub fn append(&mut self, len: u64, crc32: u32) -> u32 {
        let index = self.len();
        self.push(self.end, self.end + len, crc32);
        index
    }

    pub fn offset(&self, index: u32) -> u64 {
        self.offsets[index as usize]
    }

    pub fn crc32(&self, index: u32) -> u32 {
        self.crc32s[index as usize]
    }

    pub fn end(&self, index: u32) -> u64 {
        self.offsets.get(index as usize + 1).copied().unwrap_or(self.end)
    }

    /// The entry that starts at `offset`.
    pub fn index_of(&self, offset: u64) -> Option<u32> {
        #[allow(clippy::cast_possible_truncation)] // as in `len`
        self.offsets.binary_search(&offset).ok().map(|index| index as u32)
    }

    /// The header and the zlib stream of an entry, out of the bytes of the pack.
    pub fn read<'a>(&self, pack: &'a [u8], index: u32, format: ObjectFormat) -> Result<(EntryHeader, &'a [u8])> {
        let offset = self.offset(index);
        let changed = || Error::CorruptPack { offset, what: "the entry changed while it was read".to_owned() };
        let range = usize::try_from(offset).ok().zip(usize::try_from(self.end(index)).ok());
        let entry = range.and_then(|(start, end)| pack.get(start..end)).ok_or_else(changed)?;
        let header = EntryHeader::parse(entry, offset, format)?.ok_or_else(changed)?;
        Ok((header, entry.get(header.len..).ok_or_else(changed)?))
    }
}
