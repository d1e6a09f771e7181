//! Inflating with an eye on the cancel flag.

use packhouse_object::zlib::{StreamInflater, inflate_exact};
use packhouse_object::{CancelFlag, Error, Result};

/// What the streaming inflater hands out at a time, in bytes.
const WINDOW_BYTES: usize = 64 << 10;

/// Nothing larger is inflated in one go: that takes a few milliseconds, and the cancel flag is not looked at meanwhile.
pub(crate) const ONE_GO_BYTES: u64 = 4 << 20;

/// An inflater for streams that come in pieces, one after another.
pub(crate) struct Inflater {
    stream: StreamInflater,
    window: Box<[u8]>,
}

impl Inflater {
    pub fn new() -> Self {
        Self { stream: StreamInflater::new(0), window: vec![0; WINDOW_BYTES].into_boxed_slice() }
    }

    /// Start on the next stream, which makes `size` bytes.
    pub fn reset(&mut self, size: u64) {
        self.stream.reset(size);
    }

    /// Inflate as much of the stream as lies in `bytes`, a window at a time. Returns how many bytes belonged to it, and
    /// whether it is at its end.
    pub fn take(&mut self, bytes: &[u8], cancel: &CancelFlag, mut keep: impl FnMut(&[u8])) -> Result<(usize, bool)> {
        let mut used = 0;
        loop {
            cancel.check()?;
            let step = self.stream.step(&bytes[used..], &mut self.window)?;
            keep(&self.window[..step.produced]);
            used += step.consumed;
            if step.ended || step.consumed == 0 && step.produced == 0 {
                return Ok((used, step.ended));
            }
        }
    }
}

/// Inflate a stream that is wholly there. The caller has checked `size` against its limit.
pub(crate) fn inflate(stream: &[u8], size: u64, cancel: &CancelFlag, out: &mut Vec<u8>) -> Result<()> {
    cancel.check()?;
    if size <= ONE_GO_BYTES {
        return inflate_exact(stream, size, size, out);
    }
    let mut inflater = Inflater::new();
    inflater.reset(size);
    out.clear();
    match inflater.take(stream, cancel, |inflated| out.extend_from_slice(inflated))? {
        (_, true) => Ok(()),
        (_, false) => Err(Error::CorruptZlib { what: "cut short".to_owned() }),
    }
}

/// Say of a damaged stream or delta in which entry it was met. Limits and the machine's errors stay what they are.
pub(crate) fn at_offset(offset: u64, error: Error) -> Error {
    match error {
        Error::CorruptZlib { .. } | Error::CorruptDelta { .. } => {
            Error::CorruptPack { offset, what: error.to_string() }
        }
        other => other,
    }
}
