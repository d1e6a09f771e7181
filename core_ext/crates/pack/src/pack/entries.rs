//! Entries as they are stored: headers, streams and delta bases.

use super::Pack;
use crate::entry::{MAX_HEADER_LEN, PACK_HEADER_LEN};
use crate::{EntryHeader, EntryKind};
use packhouse_object::{Error, Kind, Result};

impl Pack {
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

    fn entries_from(&self, offset: u64) -> Result<&[u8]> {
        let start = usize::try_from(offset).ok().filter(|&start| start >= PACK_HEADER_LEN);
        start
            .and_then(|start| self.bytes.get(start..self.entries_end()))
            .filter(|rest| !rest.is_empty())
            .ok_or_else(|| self.corrupt(offset, "no entry can start here"))
    }
}
