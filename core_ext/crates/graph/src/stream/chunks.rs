//! Bytes of a pack that are decided but not yet written.

use packhouse_pack::Pack;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Bytes made for this pack, or a run of bytes of a stored one.
enum Chunk {
    Made(Vec<u8>),
    Stored(Arc<Pack>, Range<usize>),
}

/// A queue of chunks; neighbouring ones are joined, so that a run of entries is copied at once.
#[derive(Default)]
pub(crate) struct Chunks {
    queue: VecDeque<Chunk>,
    /// Bytes of the first chunk that have been taken.
    taken: usize,
    waiting_bytes: usize,
}

impl Chunks {
    pub(crate) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    pub(crate) fn add_made(&mut self, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.waiting_bytes += bytes.len();
        match self.queue.back_mut() {
            Some(Chunk::Made(last)) => last.extend_from_slice(&bytes),
            _ => self.queue.push_back(Chunk::Made(bytes)),
        }
    }

    /// Add a range of a pack's bytes, which lies inside of it.
    pub(crate) fn add_stored(&mut self, pack: &Arc<Pack>, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        self.waiting_bytes += range.len();
        match self.queue.back_mut() {
            Some(Chunk::Stored(last, before)) if Arc::ptr_eq(last, pack) && before.end == range.start => {
                before.end = range.end;
            }
            _ => self.queue.push_back(Chunk::Stored(Arc::clone(pack), range)),
        }
    }

    /// How many of the next bytes lie in a stored pack one behind the other.
    pub(crate) fn stored_ahead(&self) -> usize {
        match self.queue.front() {
            Some(Chunk::Stored(_, range)) => range.len() - self.taken,
            _ => 0,
        }
    }

    /// The next bytes where they lie, if so many of them lie in a stored pack one behind the other.
    pub(crate) fn take_stored(&mut self, len: usize) -> Option<(Arc<Pack>, Range<usize>)> {
        let Some(Chunk::Stored(pack, range)) = self.queue.front() else { return None };
        let start = range.start + self.taken;
        if start + len > range.end {
            return None;
        }
        let found = (Arc::clone(pack), start..start + len);
        self.taken += len;
        self.waiting_bytes -= len;
        if found.1.end == range.end {
            self.taken = 0;
            self.queue.pop_front();
        }
        Some(found)
    }

    /// Move the next bytes to `out`, filling it, or as far as there are any. Returns how many.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(chunk) = self.queue.front() {
            let rest = &chunk.bytes()[self.taken..];
            let count = rest.len().min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&rest[..count]);
            filled += count;
            if count < rest.len() {
                self.taken += count;
                break;
            }
            self.taken = 0;
            self.queue.pop_front();
        }
        self.waiting_bytes -= filled;
        filled
    }
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Made(bytes) => bytes,
            Self::Stored(pack, range) => &pack.bytes()[range.clone()],
        }
    }
}
