//! Which lines differ between two blobs, told as `git diff` tells it.
//!
//! The algorithm is Myers' as Git runs it, with Git's heuristics for where a group of lines that could stand in several
//! places is shown. A line is told with its line feed; the last one of a file may have none.

mod hunks;

use crate::folder::corrupt;
use gix_imara_diff::{Algorithm, Diff, InternedInput};
use hunks::Hunks;
use packhouse_object::{CancelFlag, Kind, Oid, Result};
use packhouse_pack::{Content, Database};

/// A NUL among so many first bytes makes a file binary.
const BINARY_BYTES: usize = 8000;

/// How two blobs are compared.
#[derive(Clone, Copy, Debug)]
pub struct LineOptions {
    /// Lines that are told before and after those that differ.
    pub context: u32,
    /// The largest blob that is compared.
    pub max_bytes: u64,
    /// The most lines that are told, those of context counted.
    pub max_lines: usize,
}

/// How a line stands to the two blobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// In both.
    Context,
    /// In the new one.
    Added,
    /// In the old one.
    Deleted,
}

/// Lines that differ, with those around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// The number of the first line in the old blob, from 1; without one, that of the line before.
    pub old_start: u32,
    /// How many lines there are of the old blob.
    pub old_lines: u32,
    /// As `old_start`, in the new blob.
    pub new_start: u32,
    /// How many lines there are of the new blob.
    pub new_lines: u32,
    /// The lines, in order.
    pub lines: Vec<(LineKind, Vec<u8>)>,
}

/// The differences between two blobs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobDiff {
    /// Lines that the new one has.
    pub additions: u32,
    /// Lines that the old one has.
    pub deletions: u32,
    /// One of them is no text: no lines are told.
    pub is_binary: bool,
    /// One of them is larger than what is compared, and nothing is told; or not all lines are.
    pub is_truncated: bool,
    /// Where they differ. The last one ends early if there are more lines than are told.
    pub hunks: Vec<Hunk>,
}

/// Whether Git takes a file for binary.
pub(crate) fn is_binary(content: &[u8]) -> bool {
    memchr::memchr(0, &content[..content.len().min(BINARY_BYTES)]).is_some()
}

/// Compare two blobs; without one, with nothing.
///
/// Memory: both blobs, 12 bytes for each of their lines, and a copy of what is told.
///
/// # Errors
/// `Missing`; `CorruptObject` for what is no blob; `Cancelled`; what reading can raise.
pub fn diff_blobs(
    db: &Database,
    old: Option<&Oid>,
    new: Option<&Oid>,
    options: &LineOptions,
    cancel: &CancelFlag,
) -> Result<BlobDiff> {
    if old == new {
        return Ok(BlobDiff::default());
    }
    let (Some(old), Some(new)) = (content_of(db, old, options.max_bytes)?, content_of(db, new, options.max_bytes)?)
    else {
        return Ok(BlobDiff { is_truncated: true, ..BlobDiff::default() });
    };
    cancel.check()?;
    if is_binary(&old) || is_binary(&new) {
        return Ok(BlobDiff { is_binary: true, ..BlobDiff::default() });
    }
    Ok(compared(&old, &new, options))
}

fn compared(old: &[u8], new: &[u8], options: &LineOptions) -> BlobDiff {
    let input = InternedInput::new(old, new);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    let (hunks, is_truncated) = Hunks::new(&input, options).all(&diff);
    let (additions, deletions) = (diff.count_additions(), diff.count_removals());
    BlobDiff { additions, deletions, is_binary: false, is_truncated, hunks }
}

/// A blob's content; `None` if it has more bytes than are compared.
fn content_of(db: &Database, oid: Option<&Oid>, max_bytes: u64) -> Result<Option<Content>> {
    let Some(oid) = oid else { return Ok(Some(Vec::new().into())) };
    let ordinal = db.require(oid)?;
    let kind = db.kind_of(ordinal)?;
    if kind != Kind::Blob {
        return Err(corrupt(*oid, format!("a {kind} where a blob is needed")));
    }
    if db.size_of(ordinal)? > max_bytes {
        return Ok(None);
    }
    db.read(ordinal, max_bytes).map(|(_, content)| Some(content))
}
