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
    chain: Chain,
    /// A batch being gathered, with room for the padding behind it.
    pending: [u8; BATCH_BYTES + BLOCK_BYTES],
    pending_len: usize,
    total_bytes: u64,
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
        let chain = Chain { state: INITIAL, detection };
        Self { chain, pending: [0; BATCH_BYTES + BLOCK_BYTES], pending_len: 0, total_bytes: 0 }
    }

    /// Take in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.total_bytes = self.total_bytes.wrapping_add(bytes.len() as u64);
        let rest = if self.pending_len > 0 { self.fill_pending(bytes) } else { bytes };
        let (batches, rest) = rest.as_chunks::<BATCH_BYTES>();
        self.chain.extend(batches.as_flattened().as_chunks().0);
        self.pending[self.pending_len..][..rest.len()].copy_from_slice(rest);
        self.pending_len += rest.len();
    }

    /// Complete the batch that has been begun, if there are enough bytes. Returns those that were not needed.
    fn fill_pending<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some((head, rest)) = bytes.split_at_checked(BATCH_BYTES - self.pending_len) else { return bytes };
        self.pending[self.pending_len..BATCH_BYTES].copy_from_slice(head);
        self.chain.extend(self.pending[..BATCH_BYTES].as_chunks().0);
        self.pending_len = 0;
        rest
    }

    /// The digest, and whether an attack was seen. After that the hash is used up.
    pub fn finish(&mut self) -> ([u8; 20], bool) {
        let padded_len = (self.pending_len + 9).next_multiple_of(BLOCK_BYTES);
        let padding = &mut self.pending[self.pending_len..padded_len];
        padding.fill(0);
        padding[0] = 0x80;
        self.pending[padded_len - 8..padded_len].copy_from_slice(&self.total_bytes.wrapping_mul(8).to_be_bytes());
        self.chain.extend(self.pending[..padded_len].as_chunks().0);
        let mut digest = [0; 20];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(self.chain.state) {
            *bytes = word.to_be_bytes();
        }
        (digest, self.chain.detection == Detection::AttackSeen)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detection {
    Off,
    On,
    AttackSeen,
}

/// The chaining state, and what is known of the blocks that led to it.
#[derive(Clone)]
struct Chain {
    state: State,
    detection: Detection,
}

impl Chain {
    fn extend(&mut self, blocks: &[Block]) {
        if self.detection != Detection::On {
            return native::compress(&mut self.state, blocks);
        }
        for batch in blocks.chunks(BATCH_BLOCKS) {
            let permitted = native::permitted(batch);
            if permitted[..batch.len()].iter().all(|&vectors| vectors == 0) {
                native::compress(&mut self.state, batch);
            } else {
                self.extend_by_suspects(batch, &permitted);
            }
        }
    }

    /// Every second batch of ordinary content comes here: some block meets the conditions of some vector by chance.
    fn extend_by_suspects(&mut self, batch: &[Block], permitted: &[u32; BATCH_BLOCKS]) {
        let mut start = 0;
        for (at, block) in batch.iter().enumerate().filter(|(at, _)| permitted[*at] != 0) {
            native::compress(&mut self.state, &batch[start..at]);
            let before = self.state;
            native::compress(&mut self.state, std::slice::from_ref(block));
            if collision::is_attack(&before, block, &self.state, permitted[at]) {
                self.detection = Detection::AttackSeen;
            }
            start = at + 1;
        }
        native::compress(&mut self.state, &batch[start..]);
    }
}
