//! An idx for a pack that is stored already.
//!
//! The same two passes as for a received pack, over bytes that are mapped and not copied. The objects were checked when
//! they came; now only their names are computed.

use crate::ingest::{new_context, resolve_all};
use crate::intake::Intake;
use crate::options::Options;
use crate::progress::Progress;
use crate::table;
use packhouse_object::source::NoObjects;
use packhouse_object::{CancelFlag, Error, ObjectFormat, Oid, Result};
use packhouse_pack::derived::write_renamed;
use packhouse_pack::{Bytes, IndexBuilder};
use std::path::Path;
use std::sync::Arc;

/// Looked at, between two looks at the cancel flag.
const PIECE_BYTES: usize = 256 << 10;

/// What an index was made of.
pub struct IndexedPack {
    /// SHA-256 of the pack's bytes.
    pub digest: Oid,
    /// The pack's trailer.
    pub trailer: Vec<u8>,
    /// How many objects it holds.
    pub object_count: u32,
}

/// Write the idx of a stored, self-contained pack: to a temporary file beside `idx_path`, then renamed.
///
/// `options` gives the format, the threads, the cache, the resident limit and the cancel flag.
///
/// # Errors
/// `CorruptPack` for any damage; `Limit`; `Io`; `Cancelled`. Nothing is left at `idx_path` then.
pub fn index_pack(pack_path: &Path, idx_path: &Path, options: &Options) -> Result<IndexedPack> {
    let (pack, idx) = index(&Bytes::open(pack_path)?, options)?;
    write_renamed(idx_path, |out| idx.write(&pack.trailer, out).map(|_| ()))?;
    Ok(pack)
}

/// The idx of a pack in memory.
///
/// # Errors
/// As [`index_pack`].
pub fn index_bytes(pack: &Bytes, options: &Options) -> Result<Vec<u8>> {
    let (indexed, idx) = index(pack, options)?;
    idx.to_bytes(&indexed.trailer)
}

fn index(bytes: &Bytes, options: &Options) -> Result<(IndexedPack, IndexBuilder)> {
    let (context, progress) = (new_context(options, false), Arc::new(Progress::default()));
    let mut intake = Intake::new(context.clone(), options, progress.clone());
    let mut used = 0;
    for piece in bytes.chunks(PIECE_BYTES) {
        options.cancel.check()?;
        used += intake.feed(piece, options)?;
    }
    let mut received = intake.finish()?;
    if used < bytes.len() {
        let what = format!("{} bytes after the trailer", bytes.len() - used);
        return Err(Error::CorruptPack { offset: used as u64, what });
    }
    resolve_all(&mut received.entries, bytes, &NoObjects, &context, options, &progress)?;
    let object_count = received.entries.len();
    let (idx, _) = table::sort(&received.entries, &context.names.lock(), object_count, options.format)?;
    Ok((IndexedPack { digest: received.digest, trailer: received.trailer, object_count }, idx))
}

impl Options {
    /// The options for a pack that passed its limits when it came.
    #[must_use]
    pub fn for_stored(format: ObjectFormat, threads: usize, cancel: CancelFlag) -> Self {
        Self {
            format,
            spill_bytes: 0,
            max_pack_bytes: u64::MAX,
            max_objects: u32::MAX,
            max_object_bytes: u64::MAX,
            max_resident_object_bytes: u64::MAX,
            max_inflated_bytes: u64::MAX,
            max_delta_depth: u32::MAX,
            base_cache_bytes: 32 << 20,
            threads,
            policy: Arc::default(),
            cancel,
        }
    }
}
