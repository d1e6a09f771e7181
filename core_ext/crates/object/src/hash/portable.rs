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
    let mut words = [0; 80];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for step in 16..80 {
        words[step] = (words[step - 3] ^ words[step - 8] ^ words[step - 14] ^ words[step - 16]).rotate_left(1);
    }
    words
}

/// Run a range of steps.
pub fn forward(state: State, words: &[u32; 80], steps: Range<usize>) -> State {
    steps.fold(state, |[a, b, c, d, e], step| {
        let mixed = mix(step, b, c, d);
        let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(words[step]);
        [next, a, b.rotate_left(30), c, d]
    })
}

/// Undo a range of steps, the last one first.
pub fn backward(state: State, words: &[u32; 80], steps: Range<usize>) -> State {
    steps.rev().fold(state, |[next, a, b, c, d], step| {
        let b = b.rotate_right(30);
        let mixed = mix(step, b, c, d);
        let e = next.wrapping_sub(a.rotate_left(5)).wrapping_sub(mixed).wrapping_sub(words[step]);
        [a, b, c, d, e]
    })
}

/// The words of two states added.
pub fn add(left: &State, right: &State) -> State {
    std::array::from_fn(|word| left[word].wrapping_add(right[word]))
}

/// The Boolean function of a step and its constant.
const fn mix(step: usize, b: u32, c: u32, d: u32) -> u32 {
    match step / 20 {
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
