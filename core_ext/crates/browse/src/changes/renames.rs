//! Files that went paired with files that came, as `git diff -M` pairs them.
//!
//! Gitoxide's crate has a search for renames, too; by its own account it differs from Git's in many ways, and it keeps all
//! content that it looked at. So this is Git's search, in its three steps:
//!
//! 1. Files with the same content; of several, one with the same name in another folder.
//! 2. Files whose name went once and came once: if they are three quarters the same.
//! 3. Of all that are left each against each: those that are half the same, the most similar first. Git does not do this
//!    for more than a thousand against a thousand, nor do we.

use super::similarity::{MAX_SCORE, Pieces};
use super::{FileChange, FileEntry};
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::Database;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Half of a file is the same.
const MIN_SCORE: u64 = MAX_SCORE / 2;
/// Three quarters are.
const MIN_NAMESAKE_SCORE: u64 = MIN_SCORE + (MAX_SCORE - MIN_SCORE) / 2;
/// Each against each: at most the square of this.
const RENAME_LIMIT: usize = 1000;
/// So many of the same content are looked at, and so many of the most similar ones are kept for each file that came.
const MAX_SAME: usize = 100;
const CANDIDATES: usize = 4;

/// The changes with renames in the places of the files that came. With more content to be compared than
/// `max_similarity_bytes`, only the first step is done.
pub(super) fn paired(
    db: &Database,
    changes: Vec<FileChange>,
    max_similarity_bytes: u64,
    cancel: &CancelFlag,
) -> Result<Vec<FileChange>> {
    let mut search = Search::new(db, &changes, cancel);
    search.pair_same();
    if search.size_bytes()? <= max_similarity_bytes {
        search.pair_namesakes()?;
        search.pair_similar()?;
    }
    let pairs = search.pairs();
    Ok(renamed(changes, &pairs))
}

/// Put each file that went where its pair is. pairs: ranks of both, by that of the one that came.
fn renamed(mut changes: Vec<FileChange>, pairs: &HashMap<usize, usize>) -> Vec<FileChange> {
    for (&came, &went) in pairs {
        changes[came].old = changes[went].old.take();
        changes[came].old_path = Some(std::mem::take(&mut changes[went].path));
    }
    changes.retain(|change| change.old.is_some() || change.new.is_some());
    changes
}

/// A file that went or came.
struct File<'c> {
    /// Its place among the changes.
    rank: usize,
    path: &'c [u8],
    entry: FileEntry,
    /// The file on the other side that it is paired with.
    pair: Option<usize>,
    size_bytes: u64,
    pieces: Option<Pieces>,
}

impl<'c> File<'c> {
    fn of(rank: usize, change: &'c FileChange, entry: Option<FileEntry>) -> Option<Self> {
        Some(Self { rank, path: &change.path, entry: entry?, pair: None, size_bytes: 0, pieces: None })
    }

    fn name(&self) -> &'c [u8] {
        self.path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
    }

    const fn is_regular(&self) -> bool {
        self.entry.0 & 0o170_000 == 0o100_000
    }

    /// What decides how similar two files are takes reading; that is done once.
    fn read(&mut self, db: &Database) -> Result<()> {
        if self.pieces.is_none() {
            let (_, content) = db.read(db.require(&self.entry.1)?, db.limits().max_object_bytes)?;
            self.pieces = Some(Pieces::of(&content));
        }
        Ok(())
    }
}

struct Search<'c> {
    db: &'c Database,
    cancel: &'c CancelFlag,
    went: Vec<File<'c>>,
    came: Vec<File<'c>>,
}

impl<'c> Search<'c> {
    fn new(db: &'c Database, changes: &'c [FileChange], cancel: &'c CancelFlag) -> Self {
        let ranked = || changes.iter().enumerate();
        let went = ranked().filter(|(_, change)| change.new.is_none());
        let came = ranked().filter(|(_, change)| change.old.is_none());
        Self {
            db,
            cancel,
            went: went.filter_map(|(rank, change)| File::of(rank, change, change.old)).collect(),
            came: came.filter_map(|(rank, change)| File::of(rank, change, change.new)).collect(),
        }
    }

    fn pair(&mut self, went: usize, came: usize) {
        self.went[went].pair = Some(came);
        self.came[came].pair = Some(went);
    }

    fn pairs(&self) -> HashMap<usize, usize> {
        let paired = self.came.iter().filter_map(|came| Some((came.rank, self.went[came.pair?].rank)));
        paired.collect()
    }

    fn pair_same(&mut self) {
        let mut by_oid: HashMap<Oid, Vec<usize>> = HashMap::new();
        for (at, file) in self.went.iter().enumerate() {
            by_oid.entry(file.entry.1).or_default().push(at);
        }
        for came in 0..self.came.len() {
            let candidates = by_oid.get(&self.came[came].entry.1).map_or(&[][..], Vec::as_slice);
            if let Some(went) = self.best_same(came, candidates) {
                self.pair(went, came);
            }
        }
    }

    /// One that has no pair yet, of the same name if there is one.
    fn best_same(&self, came: usize, candidates: &[usize]) -> Option<usize> {
        let file = &self.came[came];
        let fits = |went: &File<'_>| {
            went.pair.is_none() && (went.is_regular() && file.is_regular() || went.entry.0 == file.entry.0)
        };
        let free = candidates.iter().copied().filter(|&at| fits(&self.went[at])).take(MAX_SAME);
        let mut first = None;
        for at in free {
            if self.went[at].name() == file.name() {
                return Some(at);
            }
            first = first.or(Some(at));
        }
        first
    }

    /// What the next two steps may have to read.
    fn size_bytes(&mut self) -> Result<u64> {
        let mut total: u64 = 0;
        let open = self.went.iter().any(|file| file.pair.is_none()) && self.came.iter().any(|file| file.pair.is_none());
        for file in self.went.iter_mut().chain(&mut self.came) {
            if open && file.pair.is_none() && file.is_regular() {
                file.size_bytes = self.db.size_of(self.db.require(&file.entry.1)?)?;
                total = total.saturating_add(file.size_bytes);
            }
        }
        Ok(total)
    }

    fn pair_namesakes(&mut self) -> Result<()> {
        let (went, came) = (by_name(&self.went), by_name(&self.came));
        for at in 0..self.went.len() {
            let name = self.went[at].name();
            if let (Some(Some(went)), Some(Some(came))) = (went.get(name), came.get(name))
                && *went == at
                && self.score(at, *came, MIN_NAMESAKE_SCORE)? >= MIN_NAMESAKE_SCORE
            {
                self.pair(at, *came);
            }
        }
        Ok(())
    }

    fn pair_similar(&mut self) -> Result<()> {
        let went: Vec<_> = unpaired(&self.went).collect();
        let came: Vec<_> = unpaired(&self.came).collect();
        if went.is_empty() || went.len().saturating_mul(came.len()) > RENAME_LIMIT * RENAME_LIMIT {
            return Ok(());
        }
        let mut best = Vec::new();
        for &came in &came {
            best.extend(self.most_similar(&went, came)?);
        }
        best.sort_by_key(|&(score, is_namesake, _, _)| Reverse((score, is_namesake)));
        for (_, _, went, came) in best {
            if self.went[went].pair.is_none() && self.came[came].pair.is_none() {
                self.pair(went, came);
            }
        }
        Ok(())
    }

    /// (score, whether the names are the same, file that went, file that came) of those that are similar enough.
    ///
    /// A worse one gives way to a better one and takes no other place, so they are in no order, as in Git: among equals
    /// it decides.
    fn most_similar(&mut self, went: &[usize], came: usize) -> Result<Vec<(u64, bool, usize, usize)>> {
        let mut best: Vec<(u64, bool, usize, usize)> = Vec::with_capacity(CANDIDATES);
        for &went in went {
            let is_namesake = self.went[went].name() == self.came[came].name();
            let candidate = (self.score(went, came, MIN_SCORE)?, is_namesake, went, came);
            if best.len() < CANDIDATES {
                best.push(candidate);
                continue;
            }
            let rank = |candidate: &(u64, bool, usize, usize)| (candidate.0, candidate.1);
            let worst = best.iter_mut().min_by_key(|candidate| rank(candidate));
            if let Some(worst) = worst.filter(|worst| rank(worst) < rank(&candidate)) {
                *worst = candidate;
            }
        }
        best.retain(|&(score, ..)| score >= MIN_SCORE);
        Ok(best)
    }

    /// How similar two files are: what is common to them, as a part of the larger one.
    fn score(&mut self, went: usize, came: usize, min_score: u64) -> Result<u64> {
        self.cancel.check()?;
        let (old, new) = (&mut self.went[went], &mut self.came[came]);
        if !old.is_regular() || !new.is_regular() {
            return Ok(0);
        }
        let (larger, smaller) = (old.size_bytes.max(new.size_bytes), old.size_bytes.min(new.size_bytes));
        if larger * (MAX_SCORE - min_score) < (larger - smaller) * MAX_SCORE || new.size_bytes == 0 {
            return Ok(0); // they cannot have enough in common
        }
        old.read(self.db)?;
        new.read(self.db)?;
        let common = old.pieces.as_ref().zip(new.pieces.as_ref()).map_or(0, |(old, new)| old.common(new));
        Ok(common * MAX_SCORE / larger)
    }
}

fn unpaired<'f>(files: &'f [File<'_>]) -> impl Iterator<Item = usize> + 'f {
    files.iter().enumerate().filter(|(_, file)| file.pair.is_none()).map(|(at, _)| at)
}

/// Files without a pair by their names; `None` for a name that several have.
fn by_name<'c>(files: &[File<'c>]) -> HashMap<&'c [u8], Option<usize>> {
    let mut by_name = HashMap::new();
    for at in unpaired(files) {
        by_name.entry(files[at].name()).and_modify(|known| *known = None).or_insert(Some(at));
    }
    by_name
}
