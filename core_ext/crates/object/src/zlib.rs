//! Inflate and deflate: libdeflate where a whole stream is at hand, zlib-rs where it comes in pieces.

use crate::{Error, Result};
use std::cell::RefCell;

thread_local! {
    static WHOLE: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
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
    let size = usize::try_from(size).map_err(|_| bad("a size beyond the address space"))?;
    out.clear();
    out.resize(size, 0);
    // libdeflate reports only how much it wrote; the streaming reader tells how much it read. Both are needed here, so
    // the whole-buffer path uses `decompress_ex`-like accounting through the raw consumed count of flate2's reader
    // only when the caller cannot know the end of the stream.
    let mut reader = flate2::Decompress::new(true);
    let status =
        reader.decompress(input, out, flate2::FlushDecompress::Finish).map_err(|error| bad(&error.to_string()))?;
    if status != flate2::Status::StreamEnd || reader.total_out() != size as u64 {
        return Err(bad("cut short, or not of the size its header gives"));
    }
    usize::try_from(reader.total_in()).map_err(|_| bad("a stream beyond the address space"))
}

/// Inflate one zlib stream that is exactly `input`, into exactly `size` bytes: the fast path for stored entries.
///
/// # Errors
/// As [`inflate`].
pub fn inflate_exact(input: &[u8], size: u64, max_bytes: u64, out: &mut Vec<u8>) -> Result<()> {
    if size > max_bytes {
        return Err(Error::Limit { what: "inflated size in bytes", actual: size, limit: max_bytes });
    }
    let size = usize::try_from(size).map_err(|_| bad("a size beyond the address space"))?;
    out.clear();
    out.resize(size, 0);
    let written =
        WHOLE.with_borrow_mut(|whole| whole.zlib_decompress(input, out)).map_err(|error| bad(&error.to_string()))?;
    if written == size { Ok(()) } else { Err(bad("not of the size its header gives")) }
}

/// Deflate `content` as one zlib stream.
#[must_use]
pub fn deflate(content: &[u8], level: u32) -> Vec<u8> {
    let level = libdeflater::CompressionLvl::new(i32::try_from(level.min(12)).unwrap_or(6)).unwrap_or_default();
    let mut whole = libdeflater::Compressor::new(level);
    let mut out = vec![0; whole.zlib_compress_bound(content.len())];
    let written = whole.zlib_compress(content, &mut out).unwrap_or(0);
    out.truncate(written);
    out
}

fn bad(what: &str) -> Error {
    Error::CorruptZlib { what: what.to_owned() }
}
