//! How much of one file is in another, by the measure with which Git finds renames.
//!
//! A file is cut into lines, lines into pieces of at most 64 bytes; each piece has a short hash. What counts is how many
//! bytes of the old file have a piece of the same hash in the new one, of the larger file's size.

use packhouse_gix::Objects;
use packhouse_object::{Error, Kind, Oid, Result};
use std::collections::HashMap;
use std::rc::Rc;

/// The score of files that are the same.
pub(crate) const MAX_SCORE: u64 = 60_000;

/// The number of different hashes of pieces.
const HASH_COUNT: u32 = 107_927;
const MAX_PIECE_BYTES: u32 = 64;
/// As many bytes at the start of a file tell whether it is text.
const TEXT_PROBE_BYTES: usize = 8000;
/// What the measured files may take together; beyond that the oldest are measured anew.
const MAX_CACHE_BYTES: usize = 64 << 20;

/// Whether a file is no text: it has a NUL near its start.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    content[..content.len().min(TEXT_PROBE_BYTES)].contains(&0)
}

/// So many pieces are compared in all, some seconds' work; Git would go on.
const MAX_COMPARED_PIECES: u64 = 4_000_000_000;

/// A file's pieces: hashes in order, and how many bytes have each.
type Pieces = Vec<(u32, u32)>;

/// Compares files, and remembers what it measured.
pub(crate) struct Similarity<'a> {
    objects: &'a Objects<'a>,
    sizes: HashMap<Oid, u64>,
    pieces: HashMap<Oid, Rc<Pieces>>,
    cached_bytes: usize,
    compared_pieces: u64,
}

impl<'a> Similarity<'a> {
    pub(crate) fn new(objects: &'a Objects<'a>) -> Self {
        Self { objects, sizes: HashMap::new(), pieces: HashMap::new(), cached_bytes: 0, compared_pieces: 0 }
    }

    /// The score of two files, or 0 where it cannot reach `min_score` by their sizes alone.
    pub(crate) fn score(&mut self, old: &Oid, new: &Oid, min_score: u64) -> Result<u64> {
        self.objects.check_cancelled()?;
        let (old_size, new_size) = (self.size(old)?, self.size(new)?);
        let (larger, smaller) = (old_size.max(new_size), old_size.min(new_size));
        if u128::from(larger) * u128::from(MAX_SCORE - min_score) < u128::from(larger - smaller) * u128::from(MAX_SCORE)
        {
            return Ok(0);
        }
        let (old_pieces, new_pieces) = (self.pieces_of(old)?, self.pieces_of(new)?);
        self.charge((old_pieces.len() + new_pieces.len()) as u64)?;
        let common = common_bytes(&old_pieces, &new_pieces);
        Ok(if new_size == 0 { 0 } else { common * MAX_SCORE / larger })
    }

    fn charge(&mut self, pieces: u64) -> Result<()> {
        self.compared_pieces += pieces;
        let (actual, limit) = (self.compared_pieces, MAX_COMPARED_PIECES);
        if actual > limit {
            return Err(Error::Limit { what: "pieces of files compared to find renames", actual, limit });
        }
        Ok(())
    }

    fn size(&mut self, oid: &Oid) -> Result<u64> {
        if let Some(&size_bytes) = self.sizes.get(oid) {
            return Ok(size_bytes);
        }
        let size_bytes = self.objects.size_of(oid)?;
        self.sizes.insert(*oid, size_bytes);
        Ok(size_bytes)
    }

    fn pieces_of(&mut self, oid: &Oid) -> Result<Rc<Pieces>> {
        if let Some(pieces) = self.pieces.get(oid) {
            return Ok(Rc::clone(pieces));
        }
        let pieces = Rc::new(measure(&self.objects.read_kind(oid, Kind::Blob)?));
        if self.cached_bytes > MAX_CACHE_BYTES {
            self.pieces.clear();
            self.cached_bytes = 0;
        }
        self.cached_bytes += pieces.len() * size_of::<(u32, u32)>();
        self.pieces.insert(*oid, Rc::clone(&pieces));
        Ok(pieces)
    }
}

/// The pieces of a file. In a text, the CR of a line's end does not count.
fn measure(content: &[u8]) -> Pieces {
    let skips_cr = !is_binary(content);
    let mut pieces: Pieces = Vec::new();
    let mut piece = Piece::default();
    for (at, &byte) in content.iter().enumerate() {
        if skips_cr && byte == b'\r' && content.get(at + 1) == Some(&b'\n') {
            continue;
        }
        piece.add(byte);
        if piece.len == MAX_PIECE_BYTES || byte == b'\n' {
            pieces.push(std::mem::take(&mut piece).finish());
        }
    }
    if piece.len > 0 {
        pieces.push(piece.finish());
    }
    pieces.sort_unstable_by_key(|&(hash, _)| hash);
    pieces.dedup_by(|next, first| {
        let is_same = next.0 == first.0;
        first.1 = first.1.saturating_add(if is_same { next.1 } else { 0 });
        is_same
    });
    pieces
}

/// A piece while it is read: two halves of a rolling hash, as diffcore-delta.c defines it.
#[derive(Default)]
struct Piece {
    low: u32,
    high: u32,
    len: u32,
}

impl Piece {
    fn add(&mut self, byte: u8) {
        let low = self.low;
        self.low = (self.low << 7) ^ (self.high >> 25);
        self.high = (self.high << 7) ^ (low >> 25);
        self.low = self.low.wrapping_add(u32::from(byte));
        self.len += 1;
    }

    fn finish(self) -> (u32, u32) {
        (self.low.wrapping_add(self.high.wrapping_mul(0x61)) % HASH_COUNT, self.len)
    }
}

/// How many bytes two files have in common.
fn common_bytes(old: &[(u32, u32)], new: &[(u32, u32)]) -> u64 {
    let (mut common, mut new) = (0, new.iter().peekable());
    for &(hash, len) in old {
        while new.next_if(|(other, _)| *other < hash).is_some() {}
        if let Some((_, other_len)) = new.next_if(|(other, _)| *other == hash) {
            common += u64::from(len.min(*other_len));
        }
    }
    common
}
