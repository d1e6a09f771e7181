//! Generation numbers: a commit's is greater than those of all its ancestors.

use super::commits::Commits;
use packhouse_object::{CancelFlag, Error, Result};

/// The greatest level that a row holds; so many commits in one line there are not.
const MAX_LEVEL: u32 = (1 << 30) - 1;
/// Later dates count as this one, so that adding one for each commit above them cannot overflow.
const MAX_DATE_S: u64 = 1 << 62;
/// Not computed yet.
const NONE: u32 = 0;
/// Waits for the generations of its parents.
const OPEN: u32 = u32::MAX;

/// Two generations for each row.
pub(super) struct Generations {
    /// Topological: one more than the greatest of the parents', 1 without parents.
    pub(super) levels: Vec<u32>,
    /// Corrected commit date: the date, or one more than the greatest of the parents' if that is later. Never 0.
    pub(super) corrected_s: Vec<u64>,
}

impl Generations {
    /// # Errors
    /// `CorruptObject` if a commit is its own ancestor, which takes objects that do not hash to their names; `Cancelled`.
    pub(super) fn of(commits: &Commits, cancel: &CancelFlag) -> Result<Self> {
        let count = commits.len();
        let mut generations = Self { levels: vec![NONE; count as usize], corrected_s: vec![0; count as usize] };
        let mut path = Vec::new();
        for row in 0..count {
            if generations.levels[row as usize] == NONE {
                generations.open(row, &mut path);
            }
            while let Some((open, next)) = path.last_mut() {
                cancel.check()?;
                match commits.parents(*open).get(*next) {
                    None => {
                        generations.close(commits, *open);
                        path.pop();
                    }
                    Some(&parent) => {
                        *next += 1;
                        generations.descend(parent, &mut path)?;
                    }
                }
            }
        }
        Ok(generations)
    }

    fn open(&mut self, row: u32, path: &mut Vec<(u32, usize)>) {
        self.levels[row as usize] = OPEN;
        path.push((row, 0));
    }

    fn descend(&mut self, parent: u32, path: &mut Vec<(u32, usize)>) -> Result<()> {
        match self.levels[parent as usize] {
            NONE => self.open(parent, path),
            OPEN => {
                return Err(Error::CorruptObject { oid: None, what: "a commit is its own ancestor".to_owned() });
            }
            _ => (),
        }
        Ok(())
    }

    /// Compute the generations of a commit whose parents have theirs.
    fn close(&mut self, commits: &Commits, row: u32) {
        let parents = commits.parents(row).iter().map(|&parent| parent as usize);
        let level = parents.clone().map(|parent| self.levels[parent]).max().unwrap_or(0);
        let corrected_s = parents.map(|parent| self.corrected_s[parent]).max().unwrap_or(0);
        self.levels[row as usize] = (level + 1).min(MAX_LEVEL);
        self.corrected_s[row as usize] = commits.dates_s[row as usize].min(MAX_DATE_S).max(corrected_s + 1);
    }
}
