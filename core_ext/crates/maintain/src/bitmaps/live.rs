//! What commits reach, as long as children of theirs are to come.

use super::over;
use packhouse_object::Result;
use packhouse_pack::BitSet;
use packhouse_pack::bitmaps::{write_ewah, xor_ewah};
use std::collections::{HashMap, VecDeque};

/// So many bitmaps stay as they are even if there is no room for them.
const LEAST_PLAIN: usize = 4;

enum Live {
    Plain(BitSet),
    Compressed(Box<[u8]>),
}

/// Bitmaps by commit. When they take more than half of the bound, those that came first are compressed.
pub(super) struct LiveBitmaps {
    bits: u32,
    max_bytes: usize,
    live: HashMap<u32, Live>,
    /// The commits of those that are plain, and of some that were.
    plain: VecDeque<u32>,
    plain_count: usize,
    compressed_bytes: usize,
}

impl LiveBitmaps {
    pub(super) fn new(bits: u32, max_bytes: usize) -> Self {
        let (live, plain) = (HashMap::new(), VecDeque::new());
        Self { bits, max_bytes, live, plain, plain_count: 0, compressed_bytes: 0 }
    }

    /// Keep a bitmap.
    pub(super) fn insert(&mut self, commit: u32, bitmap: BitSet) -> Result<()> {
        self.live.insert(commit, Live::Plain(bitmap));
        self.plain.push_back(commit);
        self.plain_count += 1;
        while self.plain_count > LEAST_PLAIN && self.plain_bytes() > self.max_bytes / 2 {
            self.compress_oldest();
        }
        let taken = self.plain_bytes() + self.compressed_bytes;
        if taken > self.max_bytes { Err(over(taken, self.max_bytes)) } else { Ok(()) }
    }

    /// Take a bitmap out.
    pub(super) fn take(&mut self, commit: u32) -> Result<BitSet> {
        let taken = match self.live.remove(&commit) {
            Some(Live::Plain(bitmap)) => {
                self.plain_count -= 1;
                return Ok(bitmap);
            }
            Some(Live::Compressed(bytes)) => bytes,
            None => unreachable!("a commit is taken as often as it was counted"),
        };
        self.compressed_bytes -= taken.len();
        self.expanded(&taken)
    }

    /// Look at a bitmap that is needed again.
    pub(super) fn copy(&self, commit: u32) -> Result<BitSet> {
        match self.live.get(&commit) {
            Some(Live::Plain(bitmap)) => Ok(bitmap.clone()),
            Some(Live::Compressed(bytes)) => self.expanded(bytes),
            None => unreachable!("a commit is taken as often as it was counted"),
        }
    }

    fn compress_oldest(&mut self) {
        let Some(commit) = self.plain.pop_front() else { return };
        if let Some(live @ Live::Plain(_)) = self.live.get_mut(&commit) {
            let mut bytes = Vec::new();
            if let Live::Plain(bitmap) = live {
                write_ewah(bitmap, &mut bytes);
            }
            self.compressed_bytes += bytes.len();
            *live = Live::Compressed(bytes.into());
            self.plain_count -= 1;
        }
    }

    fn expanded(&self, bytes: &[u8]) -> Result<BitSet> {
        let mut bitmap = BitSet::new(self.bits);
        xor_ewah(bytes, &mut bitmap)?;
        Ok(bitmap)
    }

    fn plain_bytes(&self) -> usize {
        self.plain_count * (self.bits as usize).div_ceil(8)
    }
}
