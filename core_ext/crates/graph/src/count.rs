//! How many commits there are, without listing them.

use crate::commits::Commits;
use crate::cover::count_by_bitmaps;
use packhouse_object::{CancelFlag, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// The number of commits that the tips reach, themselves counted.
///
/// Memory: a bit for each object of the database, the cache of [`Commits`], and the commits whose parents are to be met,
/// of which there are no more than merges.
///
/// # Errors
/// `MissingEdge`; `Cancelled`; what reading can raise.
pub fn count_commits(db: &Database, tips: &[Ordinal], cancel: &CancelFlag) -> Result<u64> {
    if let Some(count) = count_by_bitmaps(db, tips, cancel)? {
        return Ok(count);
    }
    let mut commits = Commits::new(db);
    let mut seen = BitSet::new(db.ordinal_count());
    let mut pending = tips.to_vec();
    let mut count = 0;
    while let Some(commit) = pending.pop() {
        cancel.check()?;
        if seen.insert(commit) {
            count += 1;
            pending.extend_from_slice(&commits.parents(commit)?);
        }
    }
    Ok(count)
}
