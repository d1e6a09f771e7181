//! Inflate and deflate: libdeflate where a whole stream is at hand, zlib-rs where it comes in pieces.
//!
//! The size of what is inflated is always announced, by a pack entry's header, so it is checked and memory taken once.

mod stream;
mod whole;

pub use stream::{StreamDeflater, StreamInflater, StreamStep};

use crate::{Error, Result};
use std::cell::RefCell;

/// The highest level that [`deflate`] knows.
pub const MAX_LEVEL: u32 = 12;

/// Deflate cannot shrink further than this: two bits for 258 bytes. A larger announced size is a lie.
const MAX_RATIO: u64 = 1032;

type Compressors = [Option<libdeflater::Compressor>; MAX_LEVEL as usize + 1];

thread_local! {
    static COMPRESSORS: RefCell<Compressors> = const { RefCell::new([const { None }; MAX_LEVEL as usize + 1]) };
}

/// Inflate one zlib stream at the start of `input` into exactly `size` bytes.
///
/// `input` may go on after the stream. Returns the content and the length of the stream in bytes.
///
/// # Errors
/// `CorruptZlib` if the stream is damaged, cut short, or of another size; `Limit` if `size` is over `max_bytes`.
pub fn inflate(input: &[u8], size: u64, max_bytes: u64) -> Result<(Vec<u8>, usize)> {
    let mut out = Vec::new();
    let used = inflate_into(input, size, max_bytes, &mut out)?;
    Ok((out, used))
}

/// As [`inflate`], reusing the memory of `out`, whose old content is lost.
///
/// # Errors
/// As [`inflate`].
pub fn inflate_into(input: &[u8], size: u64, max_bytes: u64, out: &mut Vec<u8>) -> Result<usize> {
    if size > max_bytes {
        return Err(Error::Limit { what: "inflated size in bytes", actual: size, limit: max_bytes });
    }
    try_inflate(input, size, out)?.ok_or_else(|| bad("cut short"))
}

/// As [`inflate_into`], for a caller who knows where the next stream starts.
///
/// # Errors
/// As [`inflate`].
pub fn inflate_exact(input: &[u8], size: u64, max_bytes: u64, out: &mut Vec<u8>) -> Result<()> {
    inflate_into(input, size, max_bytes, out).map(drop)
}

/// Inflate a stream of which perhaps not all has arrived. The caller has checked `size` against its limit.
///
/// Returns the length of the stream, or `None` if `input` ends before it does: what is there is not damaged, and `out`
/// means nothing.
///
/// # Errors
/// `CorruptZlib` if the stream is damaged, or inflates to more or fewer than `size` bytes.
pub fn try_inflate(input: &[u8], size: u64, out: &mut Vec<u8>) -> Result<Option<usize>> {
    if size / MAX_RATIO > input.len() as u64 {
        return Ok(None);
    }
    let size = usize::try_from(size).map_err(|_| bad("a size beyond the address space"))?;
    match whole::inflate(input, size, out) {
        Some(consumed) if out.len() == size => Ok(Some(consumed)),
        Some(_) => Err(wrong_size(out.len() as u64, size as u64)),
        None => settle(input, size, out),
    }
}

/// libdeflate does not tell damage from missing input; the streaming inflater does.
fn settle(input: &[u8], size: usize, out: &mut Vec<u8>) -> Result<Option<usize>> {
    out.clear();
    out.resize(size, 0);
    let mut inflater = StreamInflater::new(size as u64);
    let (mut read, mut written) = (0, 0);
    loop {
        let step = inflater.step(&input[read..], &mut out[written..])?;
        read += step.consumed;
        written += step.produced;
        if step.ended {
            return Ok(Some(read));
        }
        if step.consumed == 0 && step.produced == 0 {
            return Ok(None);
        }
    }
}

/// Deflate `content` as one zlib stream; a level over [`MAX_LEVEL`] counts as that.
#[must_use]
pub fn deflate(content: &[u8], level: u32) -> Vec<u8> {
    let level = level.min(MAX_LEVEL);
    COMPRESSORS.with_borrow_mut(|compressors| {
        let compressor = compressors[level as usize].get_or_insert_with(|| {
            let level = libdeflater::CompressionLvl::new(level.cast_signed()).expect("libdeflate has levels 0 to 12");
            libdeflater::Compressor::new(level)
        });
        let mut out = vec![0; compressor.zlib_compress_bound(content.len())];
        let written = compressor.zlib_compress(content, &mut out).expect("the bound is a bound");
        out.truncate(written);
        out
    })
}

fn bad(what: &str) -> Error {
    Error::CorruptZlib { what: what.to_owned() }
}

fn wrong_size(actual: u64, announced: u64) -> Error {
    bad(&format!("inflates to {actual} bytes, its header gives {announced}"))
}
