//! What is written where; the parts that are read are in packhouse-pack's `bitmaps/file.rs`.

use super::kinds::Kinds;
use packhouse_object::Result;
use packhouse_pack::bitmaps::{FULL_DAG, HASH_CACHE, MAGIC, VERSION, write_ewah};
use packhouse_pack::derived::HashedWriter;
use packhouse_pack::{BitSet, Pack};
use std::collections::VecDeque;
use std::io::Write;

/// How many entries back a bitmap may stand on another one.
const WINDOW: usize = 8;
/// On how many others a bitmap may stand in all: so many have to be read for it.
const MAX_CHAIN: u32 = 32;

/// Write header and kinds.
pub(super) fn write_head(
    out: &mut HashedWriter<impl Write>,
    pack: &Pack,
    entry_count: u32,
    kinds: &Kinds,
) -> Result<()> {
    out.put(&MAGIC)?;
    out.put(&VERSION.to_be_bytes())?;
    out.put(&(FULL_DAG | HASH_CACHE).to_be_bytes())?;
    out.put(&entry_count.to_be_bytes())?;
    out.put(pack.trailer())?;
    let mut bytes = Vec::new();
    kinds.sets().iter().for_each(|set| write_ewah(set, &mut bytes));
    out.put(&bytes)
}

/// Writes entries, and keeps the last ones for those that come to stand on them.
pub(super) struct Entries {
    window: VecDeque<(BitSet, u32)>,
    difference: BitSet,
}

impl Entries {
    pub(super) fn new(bits: u32) -> Self {
        Self { window: VecDeque::new(), difference: BitSet::new(bits) }
    }

    /// Write the bitmap of the commit at a position of the idx: as it is, or as the difference from one of the last
    /// entries, whichever is the shortest.
    pub(super) fn write(&mut self, position: u32, bitmap: &BitSet, out: &mut HashedWriter<impl Write>) -> Result<()> {
        let (mut best, mut xor_offset, mut chain) = (Vec::new(), 0, 0);
        write_ewah(bitmap, &mut best);
        for (offset, (earlier, depth)) in (1u8..).zip(self.window.iter().rev()) {
            if *depth >= MAX_CHAIN {
                continue;
            }
            self.difference.clone_from(bitmap);
            self.difference.toggle(earlier);
            let mut bytes = Vec::new();
            write_ewah(&self.difference, &mut bytes);
            if bytes.len() < best.len() {
                (best, xor_offset, chain) = (bytes, offset, depth + 1);
            }
        }
        out.put(&position.to_be_bytes())?;
        out.put(&[xor_offset, 0])?;
        out.put(&best)?;
        if self.window.len() == WINDOW {
            self.window.pop_front();
        }
        self.window.push_back((bitmap.clone(), chain));
        Ok(())
    }
}
