//! SHA-1 as a stream, with or without collision detection.

use super::collision;
use super::native;
use super::portable::State;
use super::{BATCH_BLOCKS, Block};

const BLOCK_BYTES: usize = 64;
const BATCH_BYTES: usize = BATCH_BLOCKS * BLOCK_BYTES;
const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// A running SHA-1. Bytes are gathered into batches, because the collision filter tests a batch at the price of a block.
#[derive(Clone)]
pub struct Sha1 {
    state: State,
    pending: [u8; BATCH_BYTES],
    pending_len: usize,
    total_bytes: u64,
    detection: Detection,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detection {
    Off,
    On,
    AttackSeen,
}

impl Sha1 {
    /// SHA-1 that looks for collision attacks.
    pub const fn checked() -> Self {
        Self::new(Detection::On)
    }

    /// Plain SHA-1.
    pub const fn unchecked() -> Self {
        Self::new(Detection::Off)
    }

    const fn new(detection: Detection) -> Self {
        Self { state: INITIAL, pending: [0; BATCH_BYTES], pending_len: 0, total_bytes: 0, detection }
    }

    /// Take in more bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.total_bytes = self.total_bytes.wrapping_add(bytes.len() as u64);
        if self.pending_len > 0 {
            let missing = bytes.len().min(BATCH_BYTES - self.pending_len);
            let (head, rest) = bytes.split_at(missing);
            self.pending[self.pending_len..][..missing].copy_from_slice(head);
            self.pending_len += missing;
            bytes = rest;
            if self.pending_len < BATCH_BYTES {
                return;
            }
            self.pending_len = 0;
            let batch = self.pending;
            self.compress(batch.as_chunks().0);
        }
        let (batches, rest) = bytes.as_chunks::<BATCH_BYTES>();
        self.compress(batches.as_flattened().as_chunks().0);
        self.pending[..rest.len()].copy_from_slice(rest);
        self.pending_len = rest.len();
    }

    /// The digest, and whether an attack was seen.
    pub fn finish(mut self) -> ([u8; 20], bool) {
        let bits = self.total_bytes.wrapping_mul(8);
        let padded_len = (self.pending_len + 9).next_multiple_of(BLOCK_BYTES);
        let mut tail = [0; BATCH_BYTES + BLOCK_BYTES];
        tail[..self.pending_len].copy_from_slice(&self.pending[..self.pending_len]);
        tail[self.pending_len] = 0x80;
        tail[padded_len - 8..padded_len].copy_from_slice(&bits.to_be_bytes());
        self.compress(tail[..padded_len].as_chunks().0);
        let mut digest = [0; 20];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        (digest, self.detection == Detection::AttackSeen)
    }

    fn compress(&mut self, blocks: &[Block]) {
        if self.detection != Detection::On {
            return native::compress(&mut self.state, blocks);
        }
        for batch in blocks.chunks(BATCH_BLOCKS) {
            let permitted = native::permitted(batch);
            if permitted[..batch.len()].iter().all(|&vectors| vectors == 0) {
                native::compress(&mut self.state, batch);
            } else {
                self.compress_suspects(batch, &permitted);
            }
        }
    }

    /// Every second batch of ordinary content comes here: some block meets the conditions of some vector by chance.
    fn compress_suspects(&mut self, batch: &[Block], permitted: &[u32; BATCH_BLOCKS]) {
        let mut rest = batch;
        let mut sets = permitted.iter();
        while let Some((at, vectors)) =
            sets.by_ref().zip(rest).map(|(&set, _)| set).enumerate().find(|&(_, set)| set != 0)
        {
            let (clean, suspect, after) = (&rest[..at], &rest[at], &rest[at + 1..]);
            native::compress(&mut self.state, clean);
            let before = self.state;
            native::compress(&mut self.state, std::slice::from_ref(suspect));
            if collision::is_attack(&before, suspect, &self.state, vectors) {
                self.detection = Detection::AttackSeen;
            }
            rest = after;
        }
        native::compress(&mut self.state, rest);
    }
}
