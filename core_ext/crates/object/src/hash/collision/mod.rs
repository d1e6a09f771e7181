//! Detection of SHA-1 collision attacks by counter-cryptanalysis.
//!
//! A collision attack makes two near blocks whose difference follows a disturbance vector. Given one of them, the other
//! is computed for each vector, and its compression is run from the step where both have the same state, both ways. If
//! it leads to the same hash, the block is half of a collision. Any feasible attack leaves that mark; ordinary content
//! carries it with a probability of about 2^-155.
//!
//! Stevens, "Counter-cryptanalysis" (CRYPTO 2013); Stevens and Shumow, "Speeding up detection of SHA-1 collision attacks
//! using unavoidable attack conditions" (USENIX Security 2017). Git's sha1dc gives the same verdicts.

mod conditions;
pub(super) mod filter;
#[cfg(test)]
mod tests;
mod vectors;

use super::Block;
use super::portable::{self, State};
use vectors::{DIFFERENCES, STEPS, VECTORS};

/// Whether `block`, which took the hash from state `before` to `after`, is half of a colliding pair along one of the
/// `permitted` vectors.
pub fn is_attack(before: &State, block: &Block, after: &State, permitted: u32) -> bool {
    let words = portable::expand(block);
    let worked = portable::subtract(after, before);
    (0..VECTORS.len()).filter(|index| permitted >> index & 1 == 1).any(|index| {
        let end = match VECTORS[index].quiet_step() {
            58 => sibling_end::<58>(worked, &words, &DIFFERENCES[index]),
            _ => sibling_end::<65>(worked, &words, &DIFFERENCES[index]),
        };
        end == *after
    })
}

/// Where the sibling block leads: it differs by a known amount and has the same state at the quiet step, so it is run both
/// ways from there.
fn sibling_end<const QUIET_STEP: usize>(worked: State, words: &[u32; STEPS], difference: &[u32; STEPS]) -> State {
    // From the end it is a shorter way to the quiet step than from the start.
    let middle = portable::backward(worked, words, QUIET_STEP..STEPS);
    let sibling = std::array::from_fn(|step| words[step] ^ difference[step]);
    let start = portable::backward(middle, &sibling, 0..QUIET_STEP);
    portable::add(&start, &portable::forward(middle, &sibling, QUIET_STEP..STEPS))
}
