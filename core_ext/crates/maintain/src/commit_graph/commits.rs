//! The commits of a pack, a row each.

use packhouse_graph::read_commit;
use packhouse_object::{CancelFlag, Error, Kind, Result, WorkCount};
use packhouse_pack::{Database, Ordinal};
use std::ops::Range;

/// The most commits that rows can number: greater numbers have a meaning of their own.
const MAX_COMMITS: usize = 0x7000_0000;
/// The most parents of all commits together: the list of edges has places of 31 bits.
const MAX_PARENTS: usize = 0x7fff_ffff;
/// Objects looked at between two looks at the cancel flag.
const PIECE: u32 = 256;

/// All commits of a pack, sorted by id.
#[derive(Default)]
pub(super) struct Commits {
    pub(super) ordinals: Vec<Ordinal>,
    /// Ids, one after the other.
    trees: Vec<u8>,
    pub(super) dates_s: Vec<u64>,
    /// Where the parents of each row end; they start where those of the row before do.
    parent_ends: Vec<usize>,
    /// First ordinals, then rows.
    parents: Vec<u32>,
}

impl Commits {
    pub(super) fn read(db: &Database, cancel: &CancelFlag, work: &WorkCount) -> Result<Self> {
        let mut commits = Self::default();
        work.start(u64::from(db.ordinal_count()));
        for start in (0..db.ordinal_count()).step_by(PIECE as usize) {
            cancel.check()?;
            let end = db.ordinal_count().min(start.saturating_add(PIECE));
            (start..end).try_for_each(|ordinal| commits.add_if_commit(db, ordinal))?;
            work.add(u64::from(end - start));
        }
        commits.number_parents(db)?;
        Ok(commits)
    }

    #[allow(clippy::cast_possible_truncation)] // at most `MAX_COMMITS`
    pub(super) fn len(&self) -> u32 {
        self.ordinals.len() as u32
    }

    /// The raw id of a row's tree.
    pub(super) fn tree(&self, row: u32) -> &[u8] {
        let len = self.trees.len() / self.ordinals.len();
        &self.trees[row as usize * len..][..len]
    }

    /// The rows of a row's parents, in the commit's order.
    pub(super) fn parents(&self, row: u32) -> &[u32] {
        &self.parents[self.parent_range(row as usize)]
    }

    fn parent_range(&self, row: usize) -> Range<usize> {
        let start = row.checked_sub(1).map_or(0, |before| self.parent_ends[before]);
        start..self.parent_ends[row]
    }

    fn add_if_commit(&mut self, db: &Database, ordinal: Ordinal) -> Result<()> {
        if db.kind_of(ordinal)? != Kind::Commit {
            return Ok(());
        }
        let commit = read_commit(db, ordinal)?;
        self.ordinals.push(ordinal);
        self.trees.extend_from_slice(commit.tree.as_bytes());
        self.dates_s.push(commit.date_s);
        self.parents.extend_from_slice(&commit.parents);
        self.parent_ends.push(self.parents.len());
        check("commits of a pack", self.ordinals.len(), MAX_COMMITS)?;
        check("parents of all commits", self.parents.len(), MAX_PARENTS)
    }

    /// Put the row of each parent in the place of its ordinal.
    fn number_parents(&mut self, db: &Database) -> Result<()> {
        for row in 0..self.ordinals.len() {
            for at in self.parent_range(row) {
                let parent = self.ordinals.binary_search(&self.parents[at]).map_err(|_| Error::CorruptObject {
                    oid: Some(db.oid_of(self.ordinals[row])),
                    what: format!("its parent {} is no commit", db.oid_of(self.parents[at])),
                })?;
                #[allow(clippy::cast_possible_truncation)] // at most `MAX_COMMITS`
                let parent = parent as u32;
                self.parents[at] = parent;
            }
        }
        Ok(())
    }
}

fn check(what: &'static str, actual: usize, limit: usize) -> Result<()> {
    if actual <= limit { Ok(()) } else { Err(Error::Limit { what, actual: actual as u64, limit: limit as u64 }) }
}
