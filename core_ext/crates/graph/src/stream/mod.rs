//! Writing a pack of some objects, as its reader pulls.
//!
//! Memory: what one call of `read` asks for, 1 MiB of offsets, 512 KiB of depths; for each thread an object that has to be
//! compressed again, and with several threads 4 MiB of what was compressed ahead and 1 MiB of plans. Nothing grows with the
//! answer. A stream that is dropped leaves each thread the object in hand, until the step that the thread is at is done.

mod ahead;
mod answer;
mod assembly;
mod chunks;
mod cursor;
mod depths;
mod entries;
mod jobs;
mod parts;
mod plan;
mod remake;
mod shifts;

use crate::set::{ObjectSet, OtherDatabase};
use answer::Answer;
use assembly::{Assembled, Assembly};
use chunks::Chunks;
use depths::MAX_CHAIN_DEPTH;
use packhouse_object::{CancelFlag, Hasher, Result};
use packhouse_pack::Database;
use packhouse_pack::entry::PACK_HEADER_LEN;
use remake::Remaking;
use std::sync::Arc;

pub use entries::{PackEntries, PackEntry};
pub use parts::{PACKET_HEAD_BYTES, Part, Portion, write_packet_head};

/// `PACK`, and version 2.
const PACK_SIGNATURE: [u8; 8] = *b"PACK\0\0\0\x02";

/// Bytes are hashed in pieces of this size right after they were copied, while the cache holds them.
const HASHED_PIECE_BYTES: usize = 64 << 10;

/// What the reader of a pack understands, and how hard to try.
#[derive(Clone, Copy, Debug)]
pub struct PackOptions {
    /// Whether deltas may name their base by its distance.
    pub ofs_delta: bool,
    /// The zlib level of what has to be compressed again.
    pub level: u32,
    /// Threads that compress, the reader's counted.
    pub threads: usize,
}

/// A pack being written.
pub struct PackStream {
    assembly: Assembly,
    chunks: Chunks,
    /// The hash of what was written; `None` once the trailer is among the chunks.
    hasher: Option<Hasher>,
    cancel: CancelFlag,
    object_count: u32,
}

impl PackStream {
    /// A pack of exactly these objects. With `client_holds`, deltas may have bases there: a thin pack.
    ///
    /// # Errors
    /// `OtherDatabase` if a set is not of `db`.
    pub fn new(
        db: &Database,
        objects: &ObjectSet,
        client_holds: Option<&ObjectSet>,
        options: PackOptions,
        cancel: CancelFlag,
    ) -> std::result::Result<Self, OtherDatabase> {
        objects.check_database(db)?;
        client_holds.map_or(Ok(()), |holds| holds.check_database(db))?;
        let answer = Answer {
            db: db.clone(),
            objects: Arc::clone(objects.bits()),
            client_holds: client_holds.map(|holds| Arc::clone(holds.bits())),
            ofs_delta: options.ofs_delta,
            max_chain_depth: MAX_CHAIN_DEPTH,
            cancel: cancel.clone(),
        };
        let remaking = Remaking { level: answer_level(options.level), checks_names: false, threads: options.threads };
        let mut stream = Self {
            assembly: Assembly::new(answer, remaking),
            chunks: Chunks::default(),
            // Plain, without collision detection: it guards bytes of our own against damage, and nothing is named by it.
            hasher: Some(Hasher::unchecked(db.format())),
            cancel,
            object_count: objects.len(),
        };
        stream.begin();
        Ok(stream)
    }

    /// How many objects the pack has.
    #[must_use]
    pub const fn object_count(&self) -> u32 {
        self.object_count
    }

    /// How many entries have been copied as they were stored, so far.
    #[must_use]
    pub const fn reused_count(&self) -> u32 {
        self.assembly.reused()
    }

    /// The next bytes, at most `max_bytes`; none after the trailer.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn read(&mut self, max_bytes: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.prepare(max_bytes)?];
        self.write_prepared(&mut bytes);
        Ok(bytes)
    }

    /// Decide on the next bytes, at most `max_bytes`, at least one. Returns how many there are; 0 only after the trailer.
    ///
    /// # Errors
    /// `Cancelled`; `CorruptPack` and `Limit` from what is stored; a hash that cannot be finished.
    pub fn prepare(&mut self, max_bytes: usize) -> Result<usize> {
        let max_bytes = max_bytes.max(1);
        self.cancel.check()?;
        while self.chunks.waiting_bytes() < max_bytes {
            if !self.step()? {
                break;
            }
            self.cancel.check()?;
        }
        if self.chunks.waiting_bytes() == 0
            && let Some(hasher) = self.hasher.take()
        {
            self.chunks.add_made(hasher.finish()?.as_bytes().to_vec());
        }
        Ok(self.chunks.waiting_bytes().min(max_bytes))
    }

    /// Write the bytes that were decided on, as many as [`Self::prepare`] said.
    pub fn write_prepared(&mut self, out: &mut [u8]) {
        for piece in out.chunks_mut(HASHED_PIECE_BYTES) {
            let filled = self.chunks.take(piece);
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&piece[..filled]);
            }
        }
    }

    /// Decide on the next bytes. Returns whether there were any.
    fn step(&mut self) -> Result<bool> {
        match self.assembly.next()? {
            None => return Ok(false),
            Some(Assembled::Run(number, _, stored)) => self.chunks.add_stored(self.assembly.pack(number), stored),
            Some(Assembled::Entry(number, part)) => {
                self.chunks.add_made(part.made);
                self.chunks.add_stored(self.assembly.pack(number), part.copied);
            }
        }
        Ok(true)
    }

    /// A pack that is the answer as it is stored is sent with its own trailer; any other starts with a header of ours.
    fn begin(&mut self) {
        if let Some(pack) = self.assembly.take_verbatim() {
            self.chunks.add_stored(&pack, 0..pack.bytes().len());
            self.hasher = None;
            return;
        }
        let mut header = Vec::with_capacity(PACK_HEADER_LEN);
        header.extend_from_slice(&PACK_SIGNATURE);
        header.extend_from_slice(&self.object_count.to_be_bytes());
        self.chunks.add_made(header);
    }
}

/// The level of libdeflate at which an answer is compressed, for a level of zlib's.
///
/// Its 4 takes a third of the time of zlib's 6, and three quarters of that of its own 6, for 1.3 to 2.3 % more bytes (measured
/// on the trees and blobs of Git's sources and of the benchmark's). An answer is made while somebody waits; what is stored
/// gets the level itself.
const fn answer_level(zlib_level: u32) -> u32 {
    match zlib_level {
        0 => 0,
        1..=3 => 1,
        _ => zlib_level - 2,
    }
}
