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
mod vectors;

use super::Block;
use super::portable::{self, State};
use vectors::{DIFFERENCES, STEPS, VECTORS};

/// Whether `block`, hashed from `state`, is half of a colliding pair along one of the `permitted` vectors.
pub fn is_attack(state: &State, block: &Block, permitted: u32) -> bool {
    let words = portable::expand(block);
    (0..VECTORS.len()).filter(|index| permitted >> index & 1 == 1).any(|index| collides_along(index, state, &words))
}

/// The sibling block differs by a known amount and has the same state at the quiet step: run it both ways from there.
fn collides_along(index: usize, state: &State, words: &[u32; STEPS]) -> bool {
    let quiet_step = VECTORS[index].quiet_step();
    let middle = portable::forward(*state, words, 0..quiet_step);
    let sibling = std::array::from_fn(|step| words[step] ^ DIFFERENCES[index][step]);
    let sibling_start = portable::backward(middle, &sibling, 0..quiet_step);
    let sibling_end = portable::add(&sibling_start, &portable::forward(middle, &sibling, quiet_step..STEPS));
    sibling_end == portable::add(state, &portable::forward(middle, words, quiet_step..STEPS))
}
