//! The two hot loops of SHA-1 on the instructions that the running processor has.
//!
//! `unsafe` is allowed in this folder, for three reasons only. A function compiled for more instructions than the program
//! at large may be called if the processor has them: each such call stands behind the detection of exactly those
//! features. An intrinsic may be called in a method that is inlined into such a function and called nowhere else.
//! Vector loads and stores go to arrays that are as long as the register. Nothing here indexes by untrusted lengths;
//! that the loops compute the right values is the business of the tests.
#![allow(unsafe_code)]

use super::collision::filter;
use super::portable::{self, State};
use super::{BATCH_BLOCKS, Block};

#[cfg(target_arch = "x86_64")]
mod avx;
#[cfg(target_arch = "x86_64")]
mod sha_ni;

/// Hash blocks into the state.
pub fn compress(state: &mut State, blocks: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("ssse3") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { sha_ni::compress(state, blocks) };
    }
    portable::compress(state, blocks);
}

/// For each of at most [`BATCH_BLOCKS`] blocks, the disturbance vectors it permits.
pub fn permitted(blocks: &[Block]) -> [u32; BATCH_BLOCKS] {
    let mut out = [0; BATCH_BLOCKS];
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
        // SAFETY: the processor has what the function is compiled for.
        unsafe { avx::permitted_512(blocks, &mut out) };
        return out;
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        in_groups(blocks, 8, &mut out, |group, out| {
            // SAFETY: the processor has what the function is compiled for.
            unsafe { avx::permitted_256(group, out) };
        });
        return out;
    }
    in_groups(blocks, 4, &mut out, filter::permitted::<[u32; 4]>);
    out
}

#[cfg(test)]
type Filter = fn(&[Block], &mut [u32; BATCH_BLOCKS]);

/// Every filter that this processor can run, the best one or not.
#[cfg(test)]
pub fn filters() -> Vec<Filter> {
    let mut filters: Vec<Filter> = vec![|blocks, out| *out = permitted(blocks)];
    filters.push(|blocks, out| in_groups(blocks, 4, out, filter::permitted::<[u32; 4]>));
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        filters.push(|blocks, out| in_groups(blocks, 8, out, |group, out| unsafe { avx::permitted_256(group, out) }));
    }
    filters
}

/// Run a filter of few lanes over more blocks.
fn in_groups(
    blocks: &[Block],
    lanes: usize,
    out: &mut [u32; BATCH_BLOCKS],
    filter: impl Fn(&[Block], &mut [u32; BATCH_BLOCKS]),
) {
    for (group, out) in blocks.chunks(lanes).zip(out.chunks_mut(lanes)) {
        let mut sets = [0; BATCH_BLOCKS];
        filter(group, &mut sets);
        out.copy_from_slice(&sets[..lanes]);
    }
}
