//! Streams that come or go in pieces, on zlib-rs.

use super::{bad, wrong_size};
use crate::Result;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Room that is added to the output of a compression at a time, in bytes.
const DEFLATE_CHUNK_BYTES: usize = 16 * 1024;

/// What one step of a [`StreamInflater`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamStep {
    /// Bytes of the input that were taken in.
    pub consumed: usize,
    /// Bytes that were written to the front of the output.
    pub produced: usize,
    /// Whether the stream has ended, with the announced size and a valid checksum.
    pub ended: bool,
}

/// Inflate a stream piece by piece, in bounded memory.
pub struct StreamInflater {
    inner: Decompress,
    size_bytes: u64,
}

impl StreamInflater {
    /// An inflater for a stream that makes exactly `size_bytes`.
    #[must_use]
    pub fn new(size_bytes: u64) -> Self {
        Self { inner: Decompress::new(true), size_bytes }
    }

    /// Start on another stream, keeping the memory.
    pub fn reset(&mut self, size_bytes: u64) {
        self.inner.reset(true);
        self.size_bytes = size_bytes;
    }

    /// Inflate from `input` to `out` until the stream ends, `input` is used up or `out` is full.
    ///
    /// A step that neither consumes nor produces anything before the end needs more input (or room, if there was none).
    /// After the end there must be no further step.
    ///
    /// # Errors
    /// `CorruptZlib` if the stream is damaged, or makes more or fewer bytes than announced.
    pub fn step(&mut self, input: &[u8], out: &mut [u8]) -> Result<StreamStep> {
        let left = self.size_bytes - self.inner.total_out();
        let room = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        // All is there but perhaps the checksum: a byte of room shows whether the stream would make more.
        let mut beyond = [0];
        let target = if left == 0 { &mut beyond[..] } else { &mut out[..room] };
        let (read, written) = (self.inner.total_in(), self.inner.total_out());
        let status = self
            .inner
            .decompress(input, target, FlushDecompress::None)
            .map_err(|error| bad(error.message().unwrap_or("not a zlib stream")))?;
        self.check_size(status)?;
        Ok(StreamStep {
            consumed: distance(read, self.inner.total_in()),
            produced: distance(written, self.inner.total_out()),
            ended: status == Status::StreamEnd,
        })
    }

    fn check_size(&self, status: Status) -> Result<()> {
        let total = self.inner.total_out();
        if total > self.size_bytes {
            return Err(bad(&format!("inflates to more than the {} bytes its header gives", self.size_bytes)));
        }
        if status == Status::StreamEnd && total < self.size_bytes {
            return Err(wrong_size(total, self.size_bytes));
        }
        Ok(())
    }
}

/// Deflate content that is too large to hold twice, or at all.
pub struct StreamDeflater {
    inner: Compress,
}

impl StreamDeflater {
    /// A deflater of a zlib level, 0 to 9; a higher one counts as 9.
    #[must_use]
    pub fn new(level: u32) -> Self {
        Self { inner: Compress::new(Compression::new(level.min(9)), true) }
    }

    /// Take in more content; append to `out` what is ready.
    ///
    /// # Errors
    /// `CorruptZlib` if the library refuses, which no content makes it do.
    pub fn write(&mut self, mut content: &[u8], out: &mut Vec<u8>) -> Result<()> {
        while !content.is_empty() {
            let (consumed, _) = self.step(content, out, FlushCompress::None)?;
            content = &content[consumed..];
        }
        Ok(())
    }

    /// Append the rest of the stream to `out`.
    ///
    /// # Errors
    /// As [`StreamDeflater::write`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        while self.step(&[], out, FlushCompress::Finish)?.1 != Status::StreamEnd {}
        Ok(())
    }

    fn step(&mut self, content: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> Result<(usize, Status)> {
        out.reserve(DEFLATE_CHUNK_BYTES);
        let read = self.inner.total_in();
        let status = self.inner.compress_vec(content, out, flush).map_err(|error| bad(&error.to_string()))?;
        Ok((distance(read, self.inner.total_in()), status))
    }
}

/// The distance of two totals of which one step lies between: at most the length of a slice.
fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to - from).expect("a step moves within slices")
}
