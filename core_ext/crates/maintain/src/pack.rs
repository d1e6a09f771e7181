//! Storing a pack of objects that are stored already: merges, and what collection keeps.

use packhouse_graph::{ObjectSet, OtherDatabase, PackEntries};
use packhouse_ingest::{PackWriter, QuarantinedPack};
use packhouse_object::{CancelFlag, Result, WorkCount};
use packhouse_pack::Database;
use std::path::Path;

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
/// Entries are copied as they are stored, each once, from the newest pack that has it; where deltas across packs would make
/// a cycle or too long a chain, an object is written whole. The same packs and objects make the same bytes.
/// Cost: a copy of the bytes and two hashes over them. Memory: 44 bytes an object (SHA-1), and a buffer.
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
    let entries = PackEntries::new(db, objects, target.level, target.threads, cancel.clone())?;
    let writer = PackWriter::new(target.path, target.spill_bytes, db.format(), objects.len());
    work.start(u64::from(objects.len()));
    Ok(write_all(entries, writer, work))
}

fn write_all(entries: PackEntries, mut writer: PackWriter, work: &WorkCount) -> Result<QuarantinedPack> {
    entries.try_for_each(|entry| {
        work.add(1);
        writer.add(&entry.oid, entry.parts)
    })?;
    writer.finish()
}
