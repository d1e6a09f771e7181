//! The compression function on the SHA extensions of x86-64, four steps an instruction.

use super::{Block, State};
use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32, _mm_set_epi64x, _mm_sha1msg1_epu32,
    _mm_sha1msg2_epu32, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32, _mm_shuffle_epi8, _mm_xor_si128,
};

/// Hash blocks into the state.
#[target_feature(enable = "sha,sse4.1,ssse3")]
pub fn compress(state: &mut State, blocks: &[Block]) {
    // The instructions want the first word in the highest lane.
    let [a, b, c, d, e] = state.map(u32::cast_signed);
    let mut abcd = _mm_set_epi32(a, b, c, d);
    let mut e = _mm_set_epi32(e, 0, 0, 0);
    for block in blocks {
        let mut rounds = Rounds { words: load_words(block), abcd, before: abcd, e };
        rounds.twenty_steps::<0>();
        rounds.twenty_steps::<1>();
        rounds.twenty_steps::<2>();
        rounds.twenty_steps::<3>();
        e = _mm_sha1nexte_epu32(rounds.before, e);
        abcd = _mm_add_epi32(rounds.abcd, abcd);
    }
    *state = [
        _mm_extract_epi32::<3>(abcd).cast_unsigned(),
        _mm_extract_epi32::<2>(abcd).cast_unsigned(),
        _mm_extract_epi32::<1>(abcd).cast_unsigned(),
        _mm_extract_epi32::<0>(abcd).cast_unsigned(),
        _mm_extract_epi32::<3>(e).cast_unsigned(),
    ];
}

/// The inside of one compression: sixteen words of the schedule, the state, and the state four steps before.
struct Rounds {
    words: [__m128i; 4],
    abcd: __m128i,
    before: __m128i,
    e: __m128i,
}

impl Rounds {
    /// Twenty steps, which share the Boolean function number `F`.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn twenty_steps<const F: i32>(&mut self) {
        for group in 5 * F..5 * F + 5 {
            let words = self.next_words(group);
            // The fifth chaining word is the first of four steps ago, rotated; before the first step it is given.
            let e = if group == 0 { _mm_add_epi32(self.e, words) } else { _mm_sha1nexte_epu32(self.before, words) };
            self.before = self.abcd;
            self.abcd = _mm_sha1rnds4_epu32::<F>(self.abcd, e);
        }
    }

    /// The words of the next four steps, which replace those of sixteen steps ago.
    #[inline]
    #[target_feature(enable = "sha,sse4.1,ssse3")]
    fn next_words(&mut self, group: i32) -> __m128i {
        let at = |ago: i32| (group + 4 - ago).rem_euclid(4).unsigned_abs() as usize;
        if group >= 4 {
            let mixed = _mm_sha1msg1_epu32(self.words[at(4)], self.words[at(3)]);
            let mixed = _mm_xor_si128(mixed, self.words[at(2)]);
            self.words[at(4)] = _mm_sha1msg2_epu32(mixed, self.words[at(1)]);
        }
        self.words[at(4)]
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1,ssse3")]
fn load_words(block: &Block) -> [__m128i; 4] {
    let big_endian = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
    let quarters = block.as_chunks::<16>().0;
    // SAFETY: each quarter is 16 bytes long.
    let load = |at: usize| unsafe { _mm_loadu_si128(quarters[at].as_ptr().cast()) };
    [
        _mm_shuffle_epi8(load(0), big_endian),
        _mm_shuffle_epi8(load(1), big_endian),
        _mm_shuffle_epi8(load(2), big_endian),
        _mm_shuffle_epi8(load(3), big_endian),
    ]
}
