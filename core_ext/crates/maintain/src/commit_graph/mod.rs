//! Writing the commit-graph of a pack (gitformat-commit-graph(5)), byte by byte as Git writes it without Bloom filters.
//!
//! 1. Every object's kind is looked at, and each commit is read, in the order of their ids.
//! 2. Generations are computed from parents to children.
//! 3. The chunks are written: OIDF OIDL CDAT GDA2, and GDO2 and EDGE if there is something to write in them.
//!
//! Memory: 48 bytes for each commit (60 in a SHA-256 repository), 4 for each parent, 8 for each commit of the longest line.

mod commits;
mod file;
mod generations;

use commits::Commits;
use generations::Generations;
use packhouse_object::{CancelFlag, Result, WorkCount};
use packhouse_pack::Database;
use packhouse_pack::derived::write_renamed;
use std::path::Path;

/// Write the commit-graph of a database of one pack. Returns how many commits are in it.
///
/// work: counts objects.
///
/// # Errors
/// `MissingEdge` if a parent is not in the pack: then there is no graph for it. `CorruptObject` for a commit that does not
/// parse, `Limit` for more commits than the format can number; `Cancelled`; `Io`; what reading can raise. Nothing is
/// changed at `path` then.
pub fn write_commit_graph(db: &Database, path: &Path, cancel: &CancelFlag, work: &WorkCount) -> Result<u32> {
    let commits = Commits::read(db, cancel, work)?;
    let generations = Generations::of(&commits, cancel)?;
    write_renamed(path, |out| file::write(db, &commits, &generations, out))?;
    Ok(commits.len())
}
