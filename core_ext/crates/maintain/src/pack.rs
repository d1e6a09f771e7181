//! Storing a pack of objects that are stored already: merges, and what collection keeps.

use packhouse_graph::{ObjectSet, OtherDatabase, PackEntries};
use packhouse_ingest::{PackWriter, QuarantinedPack};
use packhouse_object::{CancelFlag, Result, WorkCount};
use packhouse_pack::Database;
use std::path::Path;

/// Decoded delta bases that are kept for what has to be compressed again.
const CACHE_BYTES: usize = 32 << 20;

/// Where a pack goes, and how hard to try.
#[derive(Clone, Copy, Debug)]
pub struct PackTarget<'a> {
    /// A file that does not exist; the idx goes beside it.
    pub path: &'a Path,
    /// Up to so many bytes the pack stays in memory, and there is no file.
    pub spill_bytes: u64,
    /// The level of what has to be compressed again.
    pub level: u32,
    /// Threads that compress, the caller's counted.
    pub threads: usize,
}

/// Write a self-contained pack of exactly these objects, and its idx, in quarantine.
///
/// Entries are copied as they are stored, each once, from the *oldest* pack that has it: the newer copies are mostly the
/// bases of thin deltas, which were added whole when a push arrived, where the oldest is still the delta that was sent. So the
/// large pack at the end is copied as one run, and what pushes changed stays as small as it came: 193 MB for the history of
/// Git in forty pushes of 357 MB, where the newest copies make 324. Where deltas across packs would make a cycle or a chain of
/// more than 50, an object is written whole. The same packs and objects make the same bytes.
///
/// Cost: a copy of the bytes, two hashes over them, a lookup for each object. Memory: 44 bytes an object (SHA-1), a buffer.
///
/// # Errors
/// `CorruptPack` for what is damaged where it is stored; `Limit`; `Io`; `Cancelled`. Nothing is left at the path then.
pub fn write_pack(
    db: &Database,
    objects: &ObjectSet,
    target: PackTarget<'_>,
    cancel: &CancelFlag,
    work: &WorkCount,
) -> std::result::Result<Result<QuarantinedPack>, OtherDatabase> {
    objects.check_database(db)?;
    work.start(u64::from(objects.len()));
    let moved = oldest_first(db).and_then(|db| Ok((objects.moved_to(&db, cancel)?, db)));
    let (objects, db) = match moved {
        Ok(moved) => moved,
        Err(error) => return Ok(Err(error)),
    };
    let entries = PackEntries::new(&db, &objects, target.level, target.threads, cancel.clone())?;
    let writer = PackWriter::new(target.path, target.spill_bytes, db.format(), objects.len());
    Ok(write_all(entries, writer, work))
}

/// The same packs the other way round, so that an object's home is the oldest that has it.
fn oldest_first(db: &Database) -> Result<Database> {
    let packs = db.packs().iter().rev().cloned().collect();
    Database::new(packs, db.format(), *db.limits(), CACHE_BYTES)
}

fn write_all(entries: PackEntries, mut writer: PackWriter, work: &WorkCount) -> Result<QuarantinedPack> {
    entries.try_for_each(|entry| {
        work.add(1);
        writer.add(&entry.oid, entry.parts)
    })?;
    writer.finish()
}
