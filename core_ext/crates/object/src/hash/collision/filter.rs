//! Which disturbance vectors a block's words permit: the cheap test that nearly every block fails for every vector.
//!
//! It needs the message alone, not the hash state, so several blocks are tested at once, one in each lane of a SIMD
//! register. The code is plain arrays that the compiler vectorises; `native` compiles it for wider registers.

use super::conditions::{CONDITIONS, Condition, WINDOW_START};
use crate::hash::Block;

/// Conditions between two looks at whether anything is left.
const GROUP: usize = 16;

/// For each of `N` blocks, the set of vectors whose conditions it meets.
#[inline(always)]
pub fn permitted<const N: usize>(blocks: &[Block; N]) -> [u32; N] {
    let window = window(blocks);
    let mut permitted = [u32::MAX; N];
    for group in CONDITIONS.chunks(GROUP) {
        for condition in group {
            apply(condition, &window, &mut permitted);
        }
        if permitted.iter().fold(0, |any, lane| any | lane) == 0 {
            break;
        }
    }
    permitted
}

#[inline(always)]
fn apply<const N: usize>(condition: &Condition, window: &[[u32; N]; 32], permitted: &mut [u32; N]) {
    // The mask keeps the index below 32 without a bounds check in the hottest loop of a push.
    let high = &window[usize::from(condition.high_word & 31)];
    let low = &window[usize::from(condition.low_word & 31)];
    for lane in 0..N {
        let differs = high[lane] >> (condition.shift & 31) ^ low[lane];
        let holds = (differs ^ condition.parity) & condition.bit == 0;
        permitted[lane] &= if holds { u32::MAX } else { !condition.vectors };
    }
}

/// The expanded words that the conditions look at, a lane for each block.
#[inline(always)]
fn window<const N: usize>(blocks: &[Block; N]) -> [[u32; N]; 32] {
    let mut words = [[0; N]; WINDOW_START + 32];
    for (lane, block) in blocks.iter().enumerate() {
        for (step, bytes) in block.as_chunks().0.iter().enumerate() {
            words[step][lane] = u32::from_be_bytes(*bytes);
        }
    }
    for step in 16..words.len() {
        for lane in 0..N {
            let mixed = words[step - 3][lane] ^ words[step - 8][lane] ^ words[step - 14][lane] ^ words[step - 16][lane];
            words[step][lane] = mixed.rotate_left(1);
        }
    }
    let mut window = [[0; N]; 32];
    window.copy_from_slice(&words[WINDOW_START..]);
    window
}
