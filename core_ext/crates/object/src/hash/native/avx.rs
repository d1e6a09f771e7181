//! The collision filter on the wide registers of x86-64.
//!
//! Each method of the two [`Lanes`] holds intrinsics that the processor must have. They are sound only as part of
//! [`permitted_512`] and [`permitted_256`], into which they are inlined and outside of which nothing constructs them.

use super::{BATCH_BLOCKS, Block};
use crate::hash::collision::filter::{self, Lanes};
use std::arch::x86_64::{
    __m256i, __m512i, _mm_cvtsi32_si128, _mm_setr_epi8, _mm256_and_si256, _mm256_andnot_si256, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_permute2x128_si256, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8,
    _mm256_sll_epi32, _mm256_slli_epi32, _mm256_srai_epi32, _mm256_srli_epi32, _mm256_storeu_si256,
    _mm256_unpackhi_epi32, _mm256_unpacklo_epi32, _mm256_xor_si256, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_permutex2var_epi32, _mm512_rol_epi32, _mm512_set1_epi32, _mm512_setr_epi32, _mm512_shuffle_epi8,
    _mm512_sll_epi32, _mm512_srai_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32, _mm512_xor_si512,
};

/// The filter for up to 16 blocks.
#[target_feature(enable = "avx512f,avx512bw")]
pub fn permitted_512(blocks: &[Block], out: &mut [u32; BATCH_BLOCKS]) {
    filter::permitted::<Lanes512>(blocks, out);
}

/// The filter for up to 8 blocks.
#[target_feature(enable = "avx2")]
pub fn permitted_256(blocks: &[Block], out: &mut [u32; BATCH_BLOCKS]) {
    filter::permitted::<Lanes256>(blocks, out);
}

#[derive(Clone, Copy)]
struct Lanes512(__m512i);

// SAFETY of every block: see the head of the file; loads and stores touch the 64 bytes of their array.
impl Lanes for Lanes512 {
    const COUNT: usize = 16;

    #[inline(always)]
    fn splat(word: u32) -> Self {
        Self(unsafe { _mm512_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    fn load(block: &Block, _first: usize) -> Self {
        Self(unsafe {
            let big_endian = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
            _mm512_shuffle_epi8(_mm512_loadu_si512(block.as_ptr().cast()), _mm512_broadcast_i32x4(big_endian))
        })
    }

    #[inline(always)]
    fn store(self, words: &mut [u32; BATCH_BLOCKS]) {
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn zip(self, other: Self) -> (Self, Self) {
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (
                Self(_mm512_permutex2var_epi32(self.0, low, other.0)),
                Self(_mm512_permutex2var_epi32(self.0, high, other.0)),
            )
        }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate_once(self) -> Self {
        Self(unsafe { _mm512_rol_epi32::<1>(self.0) })
    }

    #[inline(always)]
    fn shift_left(self, bits: u32) -> Self {
        Self(unsafe { _mm512_sll_epi32(self.0, _mm_cvtsi32_si128(bits.cast_signed())) })
    }

    #[inline(always)]
    fn remove_where_top(self, word: Self, vectors: u32) -> Self {
        let vectors = Self::splat(vectors);
        Self(unsafe {
            // `self & !(lanes & vectors)`; spelled with plain operations the compiler makes four of it.
            let lanes = _mm512_srai_epi32::<31>(word.0);
            _mm512_ternarylogic_epi32::<0b0111_0000>(self.0, lanes, vectors.0)
        })
    }
}

#[derive(Clone, Copy)]
struct Lanes256(__m256i);

// SAFETY of every block: see the head of the file; loads touch the 32 bytes of their slice, stores half their array.
impl Lanes for Lanes256 {
    const COUNT: usize = 8;

    #[inline(always)]
    fn splat(word: u32) -> Self {
        Self(unsafe { _mm256_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    fn load(block: &Block, first: usize) -> Self {
        let bytes: &[u8] = &block[4 * first..4 * first + 32];
        Self(unsafe {
            let big_endian = _mm256_setr_epi8(
                3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13,
                12,
            );
            _mm256_shuffle_epi8(_mm256_loadu_si256(bytes.as_ptr().cast()), big_endian)
        })
    }

    #[inline(always)]
    fn store(self, words: &mut [u32; BATCH_BLOCKS]) {
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn zip(self, other: Self) -> (Self, Self) {
        unsafe {
            let outer = _mm256_unpacklo_epi32(self.0, other.0);
            let inner = _mm256_unpackhi_epi32(self.0, other.0);
            (
                Self(_mm256_permute2x128_si256::<0x20>(outer, inner)),
                Self(_mm256_permute2x128_si256::<0x31>(outer, inner)),
            )
        }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate_once(self) -> Self {
        Self(unsafe { _mm256_or_si256(_mm256_slli_epi32::<1>(self.0), _mm256_srli_epi32::<31>(self.0)) })
    }

    #[inline(always)]
    fn shift_left(self, bits: u32) -> Self {
        Self(unsafe { _mm256_sll_epi32(self.0, _mm_cvtsi32_si128(bits.cast_signed())) })
    }

    #[inline(always)]
    fn remove_where_top(self, word: Self, vectors: u32) -> Self {
        let vectors = Self::splat(vectors);
        Self(unsafe {
            let lanes = _mm256_srai_epi32::<31>(word.0);
            _mm256_andnot_si256(_mm256_and_si256(lanes, vectors.0), self.0)
        })
    }
}
