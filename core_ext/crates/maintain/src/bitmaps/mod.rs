//! Writing the reachability bitmaps of a pack (gitformat-bitmap(5)).
//!
//! 1. The history that the tips reach is read (`history.rs`), and which of its commits get a bitmap is chosen (`choice.rs`).
//! 2. One walk over all of it, parents before children (`build.rs`). Each commit starts with the union of what its parents
//!    reach, so of its tree only what is new is read; a hash of each object's first path is kept on the way (`walk.rs`).
//! 3. A chosen commit's bitmap is written at once, as its difference from an earlier one if that is shorter (`file.rs`).
//!
//! Memory: 22 bytes for each object and 60 for each commit, 2 MiB of caches; the bitmaps of commits that have children left to come, which are
//! as many as history has parallel branches: some as they are, those that were not needed for long compressed
//! (`live.rs`). All of it within the bound that is given.

mod build;
mod choice;
mod file;
mod history;
mod kinds;
mod live;
mod walk;

use build::Build;
use history::History;
use kinds::Kinds;
use packhouse_object::{CancelFlag, Error, Oid, Result, WorkCount};
use packhouse_pack::derived::{HashedWriter, write_renamed};
use packhouse_pack::{Database, Pack};
use std::path::Path;

/// What is taken for each object while bitmaps are made: its place by position and by rank, first the number of a commit
/// and then a name hash, its kind; what sorting takes before; and its bits in the entries that are looked back at.
const BYTES_PER_OBJECT: usize = 22;
/// A row, and while rows are put in order the same again; its parents; its children, its lines and its turn.
const BYTES_PER_COMMIT: usize = 60;

/// Write the bitmaps of a database of one pack. Returns how many commits have one; None if the pack is not closed.
///
/// tips: those that lead to no commit of the pack are passed over. work: counts commits.
///
/// # Errors
/// `Limit` if it takes more than `max_memory_bytes`; `CorruptObject` for what does not parse; `Cancelled`; `Io`; what
/// reading can raise. Nothing is changed at `path` then, nor if there are no bitmaps.
///
/// # Panics
/// If the database has not exactly one pack.
pub fn write_bitmaps(
    db: &Database,
    tips: &[Oid],
    path: &Path,
    max_memory_bytes: usize,
    cancel: &CancelFlag,
    work: &WorkCount,
) -> Result<Option<u32>> {
    let [pack] = db.packs() else { panic!("bitmaps are those of one pack") };
    match write(db, pack, tips, path, max_memory_bytes, cancel, work) {
        Ok(count) => Ok(Some(count)),
        Err(Error::MissingEdge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn write(
    db: &Database,
    pack: &Pack,
    tips: &[Oid],
    path: &Path,
    max_memory_bytes: usize,
    cancel: &CancelFlag,
    work: &WorkCount,
) -> Result<u32> {
    let history = History::read(db, tips, cancel)?;
    work.start(history.len().into());
    let taken = db.ordinal_count() as usize * BYTES_PER_OBJECT + history.len() as usize * BYTES_PER_COMMIT;
    let live_bytes = max_memory_bytes.checked_sub(taken).ok_or_else(|| over(taken, max_memory_bytes))?;
    let chosen = choice::chosen(&history);
    let kinds = Kinds::of(db, pack, cancel)?;
    write_renamed(path, |out| {
        let mut out = HashedWriter::new(db.format(), out);
        file::write_head(&mut out, pack, chosen.count(), &kinds)?;
        let names = Build::new(db, pack, &history, live_bytes)?.run(&chosen, &mut out, cancel, work)?;
        names.iter().try_for_each(|hash| out.put(&hash.to_be_bytes()))?;
        out.finish().map(|_| ())
    })?;
    Ok(chosen.count())
}

fn over(actual: usize, limit: usize) -> Error {
    Error::Limit { what: "memory for bitmaps in bytes", actual: actual as u64, limit: limit as u64 }
}
