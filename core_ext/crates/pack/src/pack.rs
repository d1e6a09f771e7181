//! One stored pack and its index.

use crate::entry::{MAX_HEADER_LEN, PACK_HEADER_LEN};
use crate::rev::{read_rev, write_rev};
use crate::{Bytes, EntryHeader, EntryKind, Index};
use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// A self-contained pack opened for reading.
///
/// Memory: 1 KiB, and once the order of the pack was asked for, 4 bytes for each object (8 more while it is made).
pub struct Pack {
    id: u64,
    name: String,
    bytes: Bytes,
    index: Index,
    order: OnceLock<Vec<u32>>,
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
        let index = Index::new(idx, format)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let pack = Self { id, name, bytes, index, order: OnceLock::new() };
        pack.check_frame()?;
        pack.check_offsets()?;
        Ok(pack)
    }

    /// Take the order of the pack from its rev file instead of sorting.
    ///
    /// # Errors
    /// `CorruptIndex` if the rev is of another pack or does not order its offsets.
    pub fn with_rev(self, rev: &[u8]) -> Result<Self> {
        let order = read_rev(self.format(), rev, self.len(), self.trailer())?;
        if order.iter().any(|&position| position >= self.len()) || !self.ascends(&order) {
            return Err(self.corrupt_index("the reverse index does not order the offsets"));
        }
        Ok(Self { order: OnceLock::from(order), ..self })
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

    /// The reverse index of the pack, as Git would write it.
    ///
    /// # Errors
    /// As [`Self::pack_order`].
    pub fn rev_bytes(&self) -> Result<Vec<u8>> {
        write_rev(self.format(), self.pack_order()?, self.trailer())
    }

    /// The positions of all entries, in the order in which they lie in the pack. Made once.
    ///
    /// # Errors
    /// `CorruptIndex` if two objects have the same offset.
    pub fn pack_order(&self) -> Result<&[u32]> {
        if let Some(order) = self.order.get() {
            return Ok(order);
        }
        let order = self.sorted_positions()?;
        if !self.ascends(&order) {
            return Err(self.corrupt_index("two objects have the same offset"));
        }
        Ok(self.order.get_or_init(|| order))
    }

    /// The position of the entry that starts at `offset`.
    ///
    /// # Errors
    /// As [`Self::pack_order`].
    pub fn position_of_offset(&self, offset: u64) -> Result<Option<u32>> {
        let order = self.pack_order()?;
        Ok(self.rank_of_offset(order, offset).ok().map(|rank| order[rank]))
    }

    /// Where the entry that starts at `offset` ends: at the next one, or at the trailer.
    ///
    /// # Errors
    /// As [`Self::pack_order`].
    pub fn entry_end(&self, offset: u64) -> Result<u64> {
        let order = self.pack_order()?;
        let next = match self.rank_of_offset(order, offset) {
            Ok(rank) => rank + 1,
            Err(rank) => rank,
        };
        Ok(order.get(next).map_or(self.entries_end() as u64, |&position| self.index.offset_at(position)))
    }

    /// The stored bytes of the entry that starts at `offset`: header and zlib stream.
    ///
    /// # Errors
    /// `CorruptPack` if no entry can start there; as [`Self::pack_order`].
    pub fn entry_bytes(&self, offset: u64) -> Result<&[u8]> {
        let end = self.entry_end(offset)?;
        let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        range
            .and_then(|(start, end)| self.bytes.get(start..end))
            .ok_or_else(|| self.corrupt(offset, "no entry can start here"))
    }

    /// The header of the entry that starts at `offset`.
    ///
    /// # Errors
    /// `CorruptPack` if there is no valid one.
    pub fn header_at(&self, offset: u64) -> Result<EntryHeader> {
        let rest = self.entries_from(offset)?;
        let head = &rest[..rest.len().min(MAX_HEADER_LEN)];
        EntryHeader::parse(head, offset, self.format())
            .map_err(|error| self.named(offset, error))?
            .ok_or_else(|| self.corrupt(offset, "an entry header is cut short"))
    }

    /// The bytes from the zlib stream of an entry to the end of the last entry.
    ///
    /// # Errors
    /// `CorruptPack` if `offset` lies outside of the entries.
    pub fn stream_at(&self, offset: u64, header: &EntryHeader) -> Result<&[u8]> {
        Ok(self.entries_from(offset)?.get(header.len..).unwrap_or_default())
    }

    /// Where the delta base of an entry starts; `None` for a whole object.
    ///
    /// # Errors
    /// `CorruptPack` if the base is not in this pack.
    pub fn base_offset(&self, offset: u64, header: &EntryHeader) -> Result<Option<u64>> {
        match header.kind {
            EntryKind::Whole(_) => Ok(None),
            EntryKind::OfsDelta(distance) => offset
                .checked_sub(distance)
                .map(Some)
                .ok_or_else(|| self.corrupt(offset, "delta base offset is out of bound")),
            EntryKind::RefDelta(oid) => match self.index.find(&oid) {
                Some(position) => Ok(Some(self.index.offset_at(position))),
                None => Err(self.corrupt(offset, &format!("delta base {oid} is not in the pack"))),
            },
        }
    }

    /// The kind of the object whose entry starts at `offset`, read from the headers of its delta chain.
    ///
    /// # Errors
    /// `CorruptPack` for a damaged header, or a chain of more than `max_delta_depth` deltas.
    pub fn kind_at(&self, offset: u64, max_delta_depth: u32) -> Result<Kind> {
        let mut at = offset;
        for _ in 0..=max_delta_depth {
            let header = self.header_at(at)?;
            match (header.kind, self.base_offset(at, &header)?) {
                (EntryKind::Whole(kind), _) => return Ok(kind),
                (_, Some(base)) => at = base,
                (_, None) => break,
            }
        }
        Err(self.chain_too_long(offset, max_delta_depth))
    }

    pub(crate) fn chain_too_long(&self, offset: u64, max_delta_depth: u32) -> Error {
        self.corrupt(offset, &format!("its delta chain is a cycle or longer than {max_delta_depth}"))
    }

    pub(crate) fn corrupt(&self, offset: u64, what: &str) -> Error {
        Error::CorruptPack { offset, what: format!("{what} (pack {})", self.name) }
    }

    pub(crate) fn corrupt_index(&self, what: &str) -> Error {
        Error::CorruptIndex { what: format!("{what} (pack {})", self.name) }
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

    fn entries_end(&self) -> usize {
        self.bytes.len() - self.format().oid_len() // `check_frame` has seen that many bytes
    }

    fn entries_from(&self, offset: u64) -> Result<&[u8]> {
        let start = usize::try_from(offset).ok().filter(|&start| start >= PACK_HEADER_LEN);
        start
            .and_then(|start| self.bytes.get(start..self.entries_end()))
            .filter(|rest| !rest.is_empty())
            .ok_or_else(|| self.corrupt(offset, "no entry can start here"))
    }

    fn check_frame(&self) -> Result<()> {
        if self.bytes.len() < PACK_HEADER_LEN + self.format().oid_len() {
            return Err(self.corrupt(0, &format!("{} bytes are too few for a pack", self.bytes.len())));
        }
        let words: Vec<_> = self.bytes[..PACK_HEADER_LEN].as_chunks::<4>().0.to_vec();
        if words[0] != *b"PACK" || !matches!(u32::from_be_bytes(words[1]), 2 | 3) {
            return Err(self.corrupt(0, "not a pack of version 2 or 3"));
        }
        let count = u32::from_be_bytes(words[2]);
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

    /// Sort as one number each: the offset above, the position in the low bits that a position needs.
    fn sorted_positions(&self) -> Result<Vec<u32>> {
        let bits = 32 - self.len().leading_zeros();
        if (self.bytes.len() as u64).leading_zeros() < bits {
            let actual = self.bytes.len() as u64;
            return Err(Error::Limit { what: "pack size in bytes", actual, limit: u64::MAX >> bits });
        }
        let key = |position| self.index.offset_at(position) << bits | u64::from(position);
        let mut keys: Vec<u64> = (0..self.len()).map(key).collect();
        keys.sort_unstable();
        #[allow(clippy::cast_possible_truncation)] // masked to at most 32 bits
        Ok(keys.into_iter().map(|key| (key & ((1 << bits) - 1)) as u32).collect())
    }

    fn ascends(&self, order: &[u32]) -> bool {
        order.windows(2).all(|pair| self.index.offset_at(pair[0]) < self.index.offset_at(pair[1]))
    }

    fn rank_of_offset(&self, order: &[u32], offset: u64) -> std::result::Result<usize, usize> {
        order.binary_search_by_key(&offset, |&position| self.index.offset_at(position))
    }
}
