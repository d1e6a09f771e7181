//! The first pass over a pack: everything that can be done while its bytes arrive.
//!
//! The parser takes the entries apart; whole objects are named and checked beside it; the pack's own hash is verified and
//! its SHA-256 computed. The bytes themselves are kept by the caller.

use crate::entries::Entries;
use crate::examine::Context;
use crate::options::Options;
use crate::parser::Parser;
use crate::progress::Progress;
use crate::workers::Workers;
use packhouse_object::{Error, Hasher, ObjectFormat, Oid, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A pack that is being received.
pub(crate) struct Intake {
    parser: Parser,
    workers: Workers,
    hashes: PackHashes,
    trailer: Vec<u8>,
    /// SHA-256 of all bytes, once the trailer was there and was right.
    digest: Option<Oid>,
    progress: Arc<Progress>,
}

/// A pack whose bytes are all there and whose deltas are not resolved yet.
pub(crate) struct Received {
    pub entries: Entries,
    pub trailer: Vec<u8>,
    /// SHA-256 of all bytes, the trailer counted.
    pub digest: Oid,
}

impl Intake {
    pub fn new(context: Arc<Context>, options: &Options, progress: Arc<Progress>) -> Self {
        Self {
            parser: Parser::new(),
            workers: Workers::new(context, options.threads),
            hashes: PackHashes::new(options.format),
            trailer: Vec::new(),
            digest: None,
            progress,
        }
    }

    /// Take in bytes. Returns how many belonged to the pack.
    pub fn feed(&mut self, bytes: &[u8], options: &Options) -> Result<usize> {
        let mut used = self.parser.feed(bytes, options, &mut self.workers)?;
        self.hashes.update(&bytes[..used]);
        if self.parser.is_ended() {
            used += self.take_trailer(&bytes[used..], options.format)?;
        }
        self.report(used);
        Ok(used)
    }

    /// The end of the bytes: wait until all that can be done in the first pass is done.
    pub fn finish(self) -> Result<Received> {
        let digest = self.digest.ok_or_else(|| self.early_eof())?;
        self.workers.finish()?;
        Ok(Received { entries: self.parser.into_entries(), trailer: self.trailer, digest })
    }

    fn take_trailer(&mut self, bytes: &[u8], format: ObjectFormat) -> Result<usize> {
        let step = (format.oid_len() - self.trailer.len()).min(bytes.len());
        self.trailer.extend_from_slice(&bytes[..step]);
        if step > 0 && self.trailer.len() == format.oid_len() {
            self.verify_trailer()?;
        }
        Ok(step)
    }

    fn verify_trailer(&mut self) -> Result<()> {
        let (expected, digest) = self.hashes.clone().finish()?;
        let found = Oid::from_bytes(&self.trailer)?;
        if found != expected {
            let what = format!("the trailer is {found}, the hash of the pack is {expected}");
            return Err(Error::CorruptPack { offset: self.parser.offset(), what });
        }
        self.digest = Some(digest);
        Ok(())
    }

    fn early_eof(&self) -> Error {
        let received = self.parser.offset() + self.trailer.len() as u64;
        let (objects, announced) = (self.parser.entries().len(), self.parser.announced());
        let what = format!("early EOF: {received} bytes, {objects} of {announced} objects");
        Error::CorruptPack { offset: received, what }
    }

    fn report(&self, used: usize) {
        let entries = self.parser.entries();
        let deltas = entries.ofs_deltas.len() + entries.ref_deltas.len();
        self.progress.received_bytes.fetch_add(used as u64, Ordering::Relaxed);
        self.progress.received_objects.store(u64::from(entries.len()), Ordering::Relaxed);
        self.progress.announced_objects.store(u64::from(self.parser.announced()), Ordering::Relaxed);
        self.progress.deltas.store(deltas as u64, Ordering::Relaxed);
    }
}

/// The two hashes of a pack's bytes: Git's, which is its trailer, and the SHA-256 that names it here.
///
/// The trailer guards against damage and no attack: nothing is named by it, so no collision detection is spent on it.
#[derive(Clone)]
pub(crate) struct PackHashes {
    trailer: Hasher,
    digest: Hasher,
}

impl PackHashes {
    pub fn new(format: ObjectFormat) -> Self {
        Self { trailer: Hasher::unchecked(format), digest: Hasher::unchecked(ObjectFormat::Sha256) }
    }

    /// Take in bytes before the trailer.
    pub fn update(&mut self, bytes: &[u8]) {
        self.trailer.update(bytes);
        self.digest.update(bytes);
    }

    /// The trailer that the bytes so far must have, and the SHA-256 with it.
    pub fn finish(self) -> Result<(Oid, Oid)> {
        let trailer = self.trailer.finish()?;
        let mut digest = self.digest;
        digest.update(trailer.as_bytes());
        Ok((trailer, digest.finish()?))
    }
}
