//! The order in which Git's hash tables give their keys back.
//!
//! Where several answers are equally good, Git takes the one that its table happens to give first: that order decides, so it
//! is followed, for tables of the size with which they start.

/// The number of buckets of a table, until it holds more than four fifths as many keys.
const BUCKET_COUNT: u32 = 64;

/// The bucket of a key, by the 32-bit FNV-1 hash.
pub(crate) fn bucket(key: &[u8]) -> u32 {
    let hash = key.iter().fold(0x811c_9dc5_u32, |hash, &byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte));
    hash % BUCKET_COUNT
}
