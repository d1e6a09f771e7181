//! The order of the pack: which entry lies where, and what follows it.

use super::Pack;
use crate::Bytes;
use crate::derived::write_renamed;
use crate::rev::{read_rev, write_rev};
use packhouse_object::{Error, Result};
use std::io::Write as _;
use std::path::Path;

impl Pack {
    /// Take the order of the pack from its rev file instead of sorting. A second call changes nothing.
    ///
    /// # Errors
    /// `CorruptIndex` if the rev is of another pack or does not order its offsets; `Io`.
    pub fn attach_rev(&self, path: &Path) -> Result<()> {
        if self.has_rev() { Ok(()) } else { self.attach_rev_bytes(&Bytes::open(path)?) }
    }

    /// As [`Self::attach_rev`], of bytes in memory.
    ///
    /// # Errors
    /// `CorruptIndex`.
    pub fn attach_rev_bytes(&self, rev: &[u8]) -> Result<()> {
        let order =
            read_rev(self.format(), rev, self.len(), self.trailer()).map_err(|error| self.named_index(error))?;
        if order.iter().any(|&position| position >= self.len()) || !self.ascends(&order) {
            return Err(self.corrupt_index("the reverse index does not order the offsets"));
        }
        self.order.get_or_init(|| order);
        self.rev.get_or_init(|| ());
        Ok(())
    }

    /// Whether a rev file was attached.
    #[must_use]
    pub fn has_rev(&self) -> bool {
        self.rev.get().is_some()
    }

    /// Write the rev file: to a temporary one beside `path`, then renamed.
    ///
    /// # Errors
    /// As [`Self::pack_order`]; `Io`.
    pub fn write_rev(&self, path: &Path) -> Result<()> {
        let rev = self.rev_bytes()?;
        write_renamed(path, |out| Ok(out.write_all(&rev)?))
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
