//! Which files differ between two trees.
//!
//! Both trees are walked side by side, and a subtree that is the same on both sides is not read: the cost is that of what
//! changed. Then, if it is asked for, files that went are paired with files that came, as `git diff -M` does it.

mod renames;
mod similarity;
mod walk;

use packhouse_object::{CancelFlag, Error, Oid, Result};
use packhouse_pack::Database;

/// How two trees are compared.
#[derive(Clone, Copy, Debug)]
pub struct DiffOptions {
    /// Whether files that went are paired with files that came.
    pub renames: bool,
    /// The most files that may differ, a rename counted as one.
    pub limit: usize,
    /// Memory for the trees on the path at hand and for the paths that were found, in bytes.
    pub max_memory_bytes: u64,
    /// Content in which similar files are looked for, in bytes. If there is more, only equal ones are paired.
    pub max_similarity_bytes: u64,
}

/// A file on one side: its mode and its content.
pub type FileEntry = (u32, Oid);

/// A file that differs. One side may be missing, not both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Where it is in the new tree; where it was, if it went.
    pub path: Vec<u8>,
    /// Where it was, if that is somewhere else.
    pub old_path: Option<Vec<u8>>,
    /// What it was.
    pub old: Option<FileEntry>,
    /// What it is.
    pub new: Option<FileEntry>,
}

/// The files that differ between two trees, in the order of the trees; without a tree, from or to nothing.
///
/// # Errors
/// `Limit` if more differ; `Missing` and `CorruptObject` for a tree or for content that is compared; `Cancelled`; what
/// reading can raise.
pub fn diff_trees(
    db: &Database,
    old: Option<&Oid>,
    new: Option<&Oid>,
    options: &DiffOptions,
    cancel: &CancelFlag,
) -> Result<Vec<FileChange>> {
    let mut changes = walk::changes(db, old, new, options, cancel)?;
    if options.renames {
        changes = renames::paired(db, changes, options.max_similarity_bytes, cancel)?;
    }
    let (actual, limit) = (changes.len() as u64, options.limit as u64);
    if actual > limit {
        return Err(too_many(actual, limit));
    }
    Ok(changes)
}

const fn too_many(actual: u64, limit: u64) -> Error {
    Error::Limit { what: "number of files that differ", actual, limit }
}
