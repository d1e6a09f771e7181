//! Deltas (gitformat-pack(5), "Deltified representation"): a target as copies from a base and inserted bytes.

mod apply;
mod encode;

pub use apply::apply;
pub use encode::{DeltaIndex, encode};

use crate::{Error, Result};

/// The two sizes at the head of a delta: `(base size, result size)` in bytes, and where the instructions start.
///
/// # Errors
/// `CorruptDelta` if either varint is cut short or overlong.
pub fn sizes(delta: &[u8]) -> Result<(u64, u64, usize)> {
    let (base, first) = varint(delta)?;
    let (result, second) = varint(&delta[first..])?;
    Ok((base, result, first + second))
}

fn varint(bytes: &[u8]) -> Result<(u64, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    Err(corrupt("a size that does not end"))
}

fn corrupt(what: &str) -> Error {
    Error::CorruptDelta { what: what.to_owned() }
}
