//! Reachability bitmaps of one pack: for some commits a bit for each object, set if the commit reaches it.
//!
//! The file counts bits in the order of the pack; everything else here counts *positions*, ranks among the sorted ids. A
//! bitmap that is asked for is laid out by position once, and the last few are kept, so that the tips which every fetch
//! wants cost a copy. Format: gitformat-bitmap(5); `file.rs` says what of it is read.
//!
//! Memory: 24 bytes for each entry; a bit for each object for each of the kinds once they are asked for, and for each bitmap
//! that is kept.

mod ewah;
mod file;

pub use ewah::{write_ewah, xor_ewah};
pub use file::{FULL_DAG, HASH_CACHE, KINDS, MAGIC, MAX_XOR_OFFSET, VERSION};

use crate::{BitSet, Bytes, Pack};
use ewah::Ewah;
use file::Layout;
use packhouse_object::{Error, Kind, Result};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// How many laid-out bitmaps are kept.
const KEPT: usize = 8;

/// A `.bitmap` file that belongs to a pack and is no larger than it says.
pub struct Bitmaps {
    bytes: Bytes,
    layout: Layout,
    object_count: u32,
    kinds: OnceLock<[BitSet; 4]>,
    /// By position, the one asked for last at the end.
    kept: Mutex<Vec<(u32, Arc<BitSet>)>>,
}

impl Bitmaps {
    /// Check and take over the bytes of a bitmap file. Bitmaps are looked at when they are asked for.
    ///
    /// # Errors
    /// `CorruptIndex`, see `file.rs`.
    pub(crate) fn new(bytes: Bytes, pack: &Pack) -> Result<Self> {
        let layout = file::layout_of(&bytes, pack)?;
        Ok(Self { bytes, layout, object_count: pack.len(), kinds: OnceLock::new(), kept: Mutex::default() })
    }

    /// How many commits have a bitmap.
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.entries.len()
    }

    /// Whether no commit has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.entries.is_empty()
    }

    /// Whether the object at a position has a bitmap.
    #[must_use]
    pub fn has(&self, position: u32) -> bool {
        self.entry_of(position).is_some()
    }

    /// The hash of the path at which each object was met, in the order of the pack; None: the file has none.
    #[must_use]
    pub fn name_hashes(&self) -> Option<Vec<u32>> {
        let start = self.layout.name_hashes?;
        let table = self.bytes.get(start..start + self.object_count as usize * 4)?;
        Some(table.as_chunks().0.iter().map(|&raw| u32::from_be_bytes(raw)).collect())
    }

    fn entry_of(&self, position: u32) -> Option<u32> {
        let rows = &self.layout.by_position;
        rows.binary_search_by_key(&position, |row| row.0).ok().map(|at| rows[at].1)
    }

    /// What an entry's commit reaches, in the order of the pack. Cost: O(entries that it stands on).
    fn resolved(&self, entry: u32) -> Result<BitSet> {
        let mut bits = BitSet::new(self.object_count);
        let mut at = entry as usize;
        while let Some(&file::Entry { start, xor_offset }) = self.layout.entries.get(at) {
            self.ewah_at(start)?.xor_into(&mut bits)?;
            if xor_offset == 0 {
                break;
            }
            at -= usize::from(xor_offset); // `layout_of` has seen that there are as many
        }
        Ok(bits)
    }

    fn ewah_at(&self, start: usize) -> Result<Ewah<'_>> {
        Ewah::split_from(self.bytes.get(start..).unwrap_or_default()).map(|(ewah, _)| ewah)
    }

    fn kept(&self, position: u32) -> Option<Arc<BitSet>> {
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(other, _)| *other == position)?;
        let found = kept.remove(at);
        kept.push(found.clone());
        Some(found.1)
    }

    fn keep(&self, position: u32, set: &Arc<BitSet>) {
        let mut kept = self.kept.lock();
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((position, Arc::clone(set)));
    }
}

impl Pack {
    /// Map the pack's bitmap file. A second call changes nothing.
    ///
    /// # Errors
    /// `CorruptIndex` if it is damaged or of another pack; `Io`.
    pub fn attach_bitmaps(&self, path: &Path) -> Result<()> {
        if self.bitmaps.get().is_some() { Ok(()) } else { self.attach_bitmaps_bytes(Bytes::open(path)?) }
    }

    /// As [`Self::attach_bitmaps`], of bytes in memory.
    ///
    /// # Errors
    /// `CorruptIndex`.
    pub fn attach_bitmaps_bytes(&self, bytes: impl Into<Bytes>) -> Result<()> {
        let bitmaps = Bitmaps::new(bytes.into(), self).map_err(|error| self.named_index(error))?;
        self.bitmaps.get_or_init(|| bitmaps);
        Ok(())
    }

    /// The bitmaps that were attached.
    #[must_use]
    pub fn bitmaps(&self) -> Option<&Bitmaps> {
        self.bitmaps.get()
    }

    /// The positions of all that the object at `position` reaches, itself included; None: it has no bitmap.
    ///
    /// # Errors
    /// `CorruptIndex` if its bitmap is damaged, or the pack cannot be ordered.
    pub fn reached_from(&self, position: u32) -> Result<Option<Arc<BitSet>>> {
        let Some((bitmaps, entry)) = self.entry_of(position) else { return Ok(None) };
        if let Some(kept) = bitmaps.kept(position) {
            return Ok(Some(kept));
        }
        let reached = Arc::new(self.by_position(&self.bits_of(bitmaps, entry)?)?);
        if !reached.get(position) {
            return Err(self.corrupt_index("a commit does not reach itself by its bitmap"));
        }
        bitmaps.keep(position, &reached);
        Ok(Some(reached))
    }

    /// Add to `known`, which counts in the order of the pack, what the object at `position` reaches. Returns the positions
    /// of what is new; None: it has no bitmap.
    ///
    /// # Errors
    /// As [`Self::reached_from`].
    pub fn reached_beyond(&self, position: u32, known: &mut BitSet) -> Result<Option<BitSet>> {
        let Some((bitmaps, entry)) = self.entry_of(position) else { return Ok(None) };
        let mut new = self.bits_of(bitmaps, entry)?;
        new.minus(known);
        known.union(&new);
        self.by_position(&new).map(Some)
    }

    /// The positions of all objects of one kind; None: there are no bitmaps.
    ///
    /// # Errors
    /// `CorruptIndex` if some object has no kind by these bitmaps, or two.
    pub fn positions_of(&self, kind: Kind) -> Result<Option<&BitSet>> {
        let Some(bitmaps) = self.bitmaps() else { return Ok(None) };
        let kinds = match bitmaps.kinds.get() {
            Some(kinds) => kinds,
            None => {
                let kinds = self.sorted_by_kind(bitmaps)?;
                bitmaps.kinds.get_or_init(|| kinds)
            }
        };
        Ok(KINDS.iter().position(|&other| other == kind).map(|at| &kinds[at]))
    }

    fn sorted_by_kind(&self, bitmaps: &Bitmaps) -> Result<[BitSet; 4]> {
        let mut sorted = [(); 4].map(|()| BitSet::new(0));
        let (mut all, mut total) = (BitSet::new(self.len()), 0u64);
        for (sorted, &start) in sorted.iter_mut().zip(&bitmaps.layout.kinds) {
            let mut bits = BitSet::new(self.len());
            bitmaps
                .ewah_at(start)
                .and_then(|ewah| ewah.xor_into(&mut bits))
                .map_err(|error| self.named_index(error))?;
            total += u64::from(bits.count());
            all.union(&bits);
            *sorted = self.by_position(&bits)?;
        }
        if all.count() != self.len() || total != u64::from(self.len()) {
            return Err(self.corrupt_index("by its bitmaps some object has no kind, or two"));
        }
        Ok(sorted)
    }

    fn entry_of(&self, position: u32) -> Option<(&Bitmaps, u32)> {
        let bitmaps = self.bitmaps()?;
        bitmaps.entry_of(position).map(|entry| (bitmaps, entry))
    }

    fn bits_of(&self, bitmaps: &Bitmaps, entry: u32) -> Result<BitSet> {
        bitmaps.resolved(entry).map_err(|error| self.named_index(error))
    }

    /// A set that counts in the order of the pack, by position.
    fn by_position(&self, bits: &BitSet) -> Result<BitSet> {
        if bits.count() == self.len() {
            return Ok(BitSet::full(self.len()));
        }
        let order = self.pack_order()?;
        let mut positions = BitSet::new(self.len());
        bits.iter().for_each(|rank| _ = positions.insert(order[rank as usize]));
        Ok(positions)
    }
}

fn corrupt(what: &str) -> Error {
    Error::CorruptIndex { what: format!("bitmaps: {what}") }
}
