//! Which disturbance vectors a block's words permit: the cheap test that nearly every block fails for every vector.
//!
//! It needs the message alone, not the hash state, so several blocks are tested at once, one in each lane of a SIMD
//! register. Left to the compiler, plain arrays were vectorised across the conditions instead, with gathers, and ran
//! slower than one block at a time; hence the few operations of [`Lanes`].

use super::conditions::{CONDITIONS, Group, WINDOW_START};
use crate::hash::{BATCH_BLOCKS, Block};

/// Words of the schedule up to the last that a condition looks at.
const WORDS: usize = WINDOW_START + 32;

/// A register of 32-bit words, one for each of some blocks.
pub trait Lanes: Copy {
    /// How many: 4, 8 or 16.
    const COUNT: usize;

    /// The same word in each lane.
    fn splat(word: u32) -> Self;

    /// The words of one block, from `first` on.
    fn load(block: &Block, first: usize) -> Self;

    /// The lanes' words, to the first places of `words`.
    fn store(self, words: &mut [u32; BATCH_BLOCKS]);

    /// The lanes of both, taken in turn.
    fn zip(self, other: Self) -> (Self, Self);

    /// Bitwise difference.
    fn xor(self, other: Self) -> Self;

    /// Rotated left by one bit.
    fn rotate_once(self) -> Self;

    /// Shifted left by fewer than 32 bits.
    fn shift_left(self, bits: u32) -> Self;

    /// These sets without `vectors`, in each lane in which `word` has its top bit set.
    fn remove_where_top(self, word: Self, vectors: u32) -> Self;
}

/// For each of at most `COUNT` blocks, the set of vectors whose conditions it meets; lanes without a block mean nothing.
#[inline(always)]
pub fn permitted<L: Lanes>(blocks: &[Block], out: &mut [u32; BATCH_BLOCKS]) {
    let words = schedule::<L>(blocks);
    let Some(window) = words.last_chunk() else { return };
    let mut permitted = L::splat(u32::MAX);
    for group in CONDITIONS.iter() {
        permitted = apply(group, window, permitted);
    }
    permitted.store(out);
}

/// The sets without the vectors that a group of conditions rules out.
#[inline(always)]
fn apply<L: Lanes>(group: &Group, window: &[L; 32], mut permitted: L) -> L {
    let [first_shift, second_shift] = group.shifts;
    let parity = L::splat(group.parity);
    for condition in &group.conditions {
        // The masks keep the indices below 32 without a bounds check in the hottest loop of a push.
        let [first, second] = condition.words.map(|word| window[usize::from(word & 31)]);
        let broken = first.shift_left(first_shift).xor(second.shift_left(second_shift)).xor(parity);
        permitted = permitted.remove_where_top(broken, condition.vectors);
    }
    permitted
}

/// The schedule's words up to the last that a condition looks at.
#[inline(always)]
fn schedule<L: Lanes>(blocks: &[Block]) -> [L; WORDS] {
    let mut recent = [L::splat(0); 16];
    for first in (0..16).step_by(L::COUNT) {
        transpose(blocks, first, &mut recent);
    }
    let mut words = [L::splat(0); WORDS];
    for sixteen in words[16..].chunks_exact_mut(16) {
        sixteen_words(&mut recent);
        sixteen.copy_from_slice(&recent);
    }
    words[WORDS - 1] = next_word(&recent, 0);
    words
}

/// The next sixteen words, written out so that all of them stay in registers; as a loop it takes three times as long.
#[inline(always)]
fn sixteen_words<L: Lanes>(recent: &mut [L; 16]) {
    macro_rules! each {
        ($($at:literal)*) => { $(recent[$at] = next_word(recent, $at);)* };
    }
    each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

/// The next word of the schedule; it takes the place of the one of sixteen steps ago.
#[inline(always)]
fn next_word<L: Lanes>(recent: &[L; 16], at: usize) -> L {
    recent[at].xor(recent[(at + 2) % 16]).xor(recent[(at + 8) % 16]).xor(recent[(at + 13) % 16]).rotate_once()
}

/// Turn `COUNT` words of each block into a register for each of those words: shuffle perfectly until it is done.
#[inline(always)]
fn transpose<L: Lanes>(blocks: &[Block], first: usize, words: &mut [L; 16]) {
    let mut rows: [L; 16] = std::array::from_fn(|lane| L::load(&blocks[lane.min(blocks.len() - 1)], first));
    for _ in 0..L::COUNT.ilog2() {
        let halves = rows;
        for at in 0..L::COUNT / 2 {
            (rows[2 * at], rows[2 * at + 1]) = halves[at].zip(halves[at + L::COUNT / 2]);
        }
    }
    words[first..first + L::COUNT].copy_from_slice(&rows[..L::COUNT]);
}

/// Lanes for any processor, which the compiler maps to its 128-bit registers if there are such.
impl Lanes for [u32; 4] {
    const COUNT: usize = 4;

    fn splat(word: u32) -> Self {
        [word; 4]
    }

    fn load(block: &Block, first: usize) -> Self {
        std::array::from_fn(|lane| u32::from_be_bytes(block.as_chunks().0[first + lane]))
    }

    fn store(self, words: &mut [u32; BATCH_BLOCKS]) {
        words[..4].copy_from_slice(&self);
    }

    fn zip(self, other: Self) -> (Self, Self) {
        ([self[0], other[0], self[1], other[1]], [self[2], other[2], self[3], other[3]])
    }

    fn xor(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] ^ other[lane])
    }

    fn rotate_once(self) -> Self {
        self.map(|word| word.rotate_left(1))
    }

    fn shift_left(self, bits: u32) -> Self {
        self.map(|word| word << (bits & 31))
    }

    fn remove_where_top(self, word: Self, vectors: u32) -> Self {
        std::array::from_fn(|lane| self[lane] & !((word[lane].cast_signed() >> 31).cast_unsigned() & vectors))
    }
}
