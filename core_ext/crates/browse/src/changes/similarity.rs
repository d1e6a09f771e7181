//! How much of a file is found in another one: Git's measure, so that the same pairs are found.
//!
//! A file is cut into pieces at its line feeds, and after 64 bytes. Each piece is counted, by its length, under a small
//! hash; what two files have under the same hash is taken for common to them. (Before 2.44 Git forgot a last line without
//! line feed.)

use crate::lines::is_binary;

/// The score of files that are the same.
pub(super) const MAX_SCORE: u64 = 60_000;
const PIECE_BYTES: usize = 64;
/// Hashes are less than this prime.
const HASH_COUNT: u32 = 107_927;

/// How many bytes of a file have each hash, ascending.
pub(super) struct Pieces(Vec<(u32, u32)>);

impl Pieces {
    pub(super) fn of(content: &[u8]) -> Self {
        let mut pieces = Vec::new();
        let (text, mut hash, mut len) = (!is_binary(content), PieceHash::default(), 0);
        for (at, &byte) in content.iter().enumerate() {
            if text && byte == b'\r' && content.get(at + 1) == Some(&b'\n') {
                continue; // the end of a line is one, whoever wrote it
            }
            hash.add(byte);
            len += 1;
            if len == PIECE_BYTES || byte == b'\n' {
                pieces.push((std::mem::take(&mut hash).value(), std::mem::take(&mut len)));
            }
        }
        if len > 0 {
            pieces.push((hash.value(), len));
        }
        #[allow(clippy::cast_possible_truncation)] // at most PIECE_BYTES
        let pieces = pieces.into_iter().map(|(hash, len)| (hash, len as u32)).collect();
        Self(summed(pieces))
    }

    /// Bytes that are in both.
    pub(super) fn common(&self, other: &Self) -> u64 {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut common = 0;
        while let (Some(&&(left_hash, left_count)), Some(&&(right_hash, right_count))) = (left.peek(), right.peek()) {
            if left_hash <= right_hash {
                left.next();
            }
            if right_hash <= left_hash {
                right.next();
            }
            if left_hash == right_hash {
                common += u64::from(left_count.min(right_count));
            }
        }
        common
    }
}

fn summed(mut pieces: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    pieces.sort_unstable_by_key(|&(hash, _)| hash);
    pieces.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.saturating_add(next.1);
        }
        same
    });
    pieces.shrink_to_fit();
    pieces
}

/// Git's hash of a piece: two words that are rotated into each other.
#[derive(Default)]
struct PieceHash {
    first: u32,
    second: u32,
}

impl PieceHash {
    fn add(&mut self, byte: u8) {
        let first = self.first;
        self.first = (self.first << 7 ^ self.second >> 25).wrapping_add(u32::from(byte));
        self.second = self.second << 7 ^ first >> 25;
    }

    fn value(self) -> u32 {
        self.first.wrapping_add(self.second.wrapping_mul(0x61)) % HASH_COUNT
    }
}
