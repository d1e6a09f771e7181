//! The SHA-1 compression function (FIPS 180-4, section 6.1) without machine instructions of its own.
//!
//! It runs where the processor has none, and where single steps are needed: `collision` starts in the middle.

use super::Block;
use std::ops::Range;

/// The five chaining words.
pub type State = [u32; 5];

/// Hash blocks into the state.
pub fn compress(state: &mut State, blocks: &[Block]) {
    for block in blocks {
        let worked = forward(*state, &expand(block), 0..80);
        *state = add(state, &worked);
    }
}

/// The message schedule: a block's sixteen words expanded to eighty.
pub fn expand(block: &Block) -> [u32; 80] {
    let mut recent = [0; 16];
    for (word, bytes) in recent.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let mut words = [0; 80];
    let (sixteens, _) = words.as_chunks_mut::<16>();
    sixteens[0] = recent;
    for sixteen in &mut sixteens[1..] {
        next_sixteen(&mut recent);
        *sixteen = recent;
    }
    words
}

/// The next sixteen words of the schedule, each in the place of the one of sixteen steps ago.
#[inline(always)]
fn next_sixteen(recent: &mut [u32; 16]) {
    for at in 0..16 {
        let mixed = recent[at] ^ recent[(at + 2) % 16] ^ recent[(at + 8) % 16] ^ recent[(at + 13) % 16];
        recent[at] = mixed.rotate_left(1);
    }
}

/// Run a range of steps.
#[inline(always)]
pub fn forward(state: State, words: &[u32; 80], steps: Range<usize>) -> State {
    let part = |from: usize, to: usize| steps.start.max(from)..steps.end.min(to);
    let state = part(0, 20).fold(state, |state, step| step_forward::<0>(state, words[step]));
    let state = part(20, 40).fold(state, |state, step| step_forward::<1>(state, words[step]));
    let state = part(40, 60).fold(state, |state, step| step_forward::<2>(state, words[step]));
    part(60, 80).fold(state, |state, step| step_forward::<3>(state, words[step]))
}

/// Undo a range of steps, the last one first.
#[inline(always)]
pub fn backward(state: State, words: &[u32; 80], steps: Range<usize>) -> State {
    let part = |from: usize, to: usize| (steps.start.max(from)..steps.end.min(to)).rev();
    let state = part(60, 80).fold(state, |state, step| step_backward::<3>(state, words[step]));
    let state = part(40, 60).fold(state, |state, step| step_backward::<2>(state, words[step]));
    let state = part(20, 40).fold(state, |state, step| step_backward::<1>(state, words[step]));
    part(0, 20).fold(state, |state, step| step_backward::<0>(state, words[step]))
}

#[inline(always)]
const fn step_forward<const QUARTER: usize>([a, b, c, d, e]: State, word: u32) -> State {
    let next = a.rotate_left(5).wrapping_add(mix::<QUARTER>(b, c, d)).wrapping_add(e).wrapping_add(word);
    [next, a, b.rotate_left(30), c, d]
}

#[inline(always)]
const fn step_backward<const QUARTER: usize>([next, a, b, c, d]: State, word: u32) -> State {
    let b = b.rotate_right(30);
    let e = next.wrapping_sub(a.rotate_left(5)).wrapping_sub(mix::<QUARTER>(b, c, d)).wrapping_sub(word);
    [a, b, c, d, e]
}

/// The words of one state less those of another.
pub fn subtract(left: &State, right: &State) -> State {
    std::array::from_fn(|word| left[word].wrapping_sub(right[word]))
}

/// The words of two states added.
pub fn add(left: &State, right: &State) -> State {
    std::array::from_fn(|word| left[word].wrapping_add(right[word]))
}

/// The Boolean function of a quarter's steps, and its constant.
#[inline(always)]
const fn mix<const QUARTER: usize>(b: u32, c: u32, d: u32) -> u32 {
    match QUARTER {
        0 => ((c ^ d) & b ^ d).wrapping_add(0x5a82_7999),
        1 => (b ^ c ^ d).wrapping_add(0x6ed9_eba1),
        2 => (b & c | (b | c) & d).wrapping_add(0x8f1b_bcdc),
        _ => (b ^ c ^ d).wrapping_add(0xca62_c1d6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backward_undoes_forward() {
        let words = expand(&std::array::from_fn(|byte| u8::try_from(byte * 3).unwrap_or(7)));
        let start = [1, 2, 3, 4, 5];
        for quiet_step in [0, 20, 58, 65, 80] {
            assert_eq!(backward(forward(start, &words, 0..quiet_step), &words, 0..quiet_step), start);
        }
    }
}
