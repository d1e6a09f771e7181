//! Commits one by one, for walks that others make.

use crate::commits::{Commits, StoredCommit};
use packhouse_object::Result;
use packhouse_pack::{Database, Ordinal};

/// Reads commits as the walks here do: from commit-graphs where there are some, else parsed and kept for a while.
pub struct CommitReader<'a> {
    commits: Commits<'a>,
}

impl<'a> CommitReader<'a> {
    /// A reader of a database's commits.
    #[must_use]
    pub fn new(db: &'a Database) -> Self {
        Self { commits: Commits::new(db) }
    }

    /// What a commit says.
    ///
    /// # Errors
    /// `MissingEdge`; `CorruptObject` for what is no commit; what reading can raise.
    pub fn read(&mut self, commit: Ordinal) -> Result<StoredCommit> {
        let commit = self.commits.get(commit)?;
        Ok(StoredCommit { date_s: commit.age.date_s, tree: commit.tree, parents: commit.parents.to_vec() })
    }

    /// When a commit was made, by its committer; in seconds since 1970.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn date_s(&mut self, commit: Ordinal) -> Result<u64> {
        self.commits.date_s(commit)
    }

    /// A commit's tree.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn tree(&mut self, commit: Ordinal) -> Result<packhouse_object::Oid> {
        self.commits.get(commit).map(|commit| commit.tree)
    }
}
