//! Common ancestors.
//!
//! Two colours flow down from the two sides. A commit that has both is a common ancestor; what lies below it is *stale*:
//! common as well, but not the best. Unlike a walk that stops by date, this one goes on until only stale commits wait, so a
//! path from either side to a best common ancestor is always followed to its end, whatever the clocks say. Wrong clocks
//! can only let a common ancestor be found that another one reaches; those are removed at the end. By generations, where
//! there are some, each commit gets all of its colours before it is taken.
//!
//! Whether one commit is an ancestor of another takes no colours if it has a generation: only commits of greater ones, or of
//! none, can be between the two.

use crate::commits::{Age, Commits};
use crate::queue::AgeQueue;
use packhouse_object::{CancelFlag, Result};
use packhouse_pack::{BitSet, Database, Ordinal};
use std::cmp::Reverse;

/// The best common ancestors of two commits, as `git merge-base --all` lists them: by date, the newest first.
///
/// # Errors
/// `MissingEdge`, `Cancelled`; what reading can raise.
pub fn merge_bases(db: &Database, left: Ordinal, right: Ordinal, cancel: &CancelFlag) -> Result<Vec<Ordinal>> {
    merge_bases_of_sets(db, &[left], &[right], cancel)
}

/// The same of two sets: the best of the commits that one of each set reaches. So a merge that was not written has bases, too.
///
/// # Errors
/// As [`merge_bases`].
pub fn merge_bases_of_sets(
    db: &Database,
    left: &[Ordinal],
    right: &[Ordinal],
    cancel: &CancelFlag,
) -> Result<Vec<Ordinal>> {
    let mut commits = Commits::new(db);
    let mut common = Vec::new();
    for commit in Paint::new(&mut commits, cancel).common_ancestors(left, right)? {
        common.push((commits.date_s(commit)?, commit));
    }
    common.sort_by_key(|&(date_s, _)| Reverse(date_s));
    let common: Vec<_> = common.into_iter().map(|(_, commit)| commit).collect();
    best_of(&mut commits, common, cancel)
}

/// Whether a commit is `descendant` itself or one of its ancestors.
///
/// # Errors
/// As [`merge_bases`].
pub fn is_ancestor(db: &Database, ancestor: Ordinal, descendant: Ordinal, cancel: &CancelFlag) -> Result<bool> {
    reaches(&mut Commits::new(db), ancestor, &[descendant], cancel)
}

/// Those of some commits that none of the others reaches.
fn best_of(commits: &mut Commits<'_>, candidates: Vec<Ordinal>, cancel: &CancelFlag) -> Result<Vec<Ordinal>> {
    if candidates.len() < 2 {
        return Ok(candidates);
    }
    let mut best = Vec::new();
    for &candidate in &candidates {
        let others: Vec<_> = candidates.iter().copied().filter(|&other| other != candidate).collect();
        if !reaches(commits, candidate, &others, cancel)? {
            best.push(candidate);
        }
    }
    Ok(best)
}

/// Whether `ancestor` is reached from one of `descendants`.
fn reaches(commits: &mut Commits<'_>, ancestor: Ordinal, descendants: &[Ordinal], cancel: &CancelFlag) -> Result<bool> {
    let age = commits.age(ancestor)?;
    if age.is_infinite() {
        return Paint::new(commits, cancel).reaches(ancestor, descendants);
    }
    let (mut met, mut pending) = (BitSet::new(commits.db().ordinal_count()), descendants.to_vec());
    while let Some(commit) = pending.pop() {
        cancel.check()?;
        if commit == ancestor {
            return Ok(true);
        }
        if met.insert(commit) && commits.age(commit)?.may_be_above(age.generation) {
            pending.extend_from_slice(&commits.parents(commit)?);
        }
    }
    Ok(false)
}

struct Paint<'c, 'a> {
    commits: &'c mut Commits<'a>,
    cancel: &'c CancelFlag,
    queue: AgeQueue,
    left: BitSet,
    right: BitSet,
    stale: BitSet,
    waiting: BitSet,
    /// How many waiting commits are not stale.
    waiting_fresh: u32,
}

impl<'c, 'a> Paint<'c, 'a> {
    fn new(commits: &'c mut Commits<'a>, cancel: &'c CancelFlag) -> Self {
        let count = commits.db().ordinal_count();
        let bits = || BitSet::new(count);
        let (left, right, stale, waiting) = (bits(), bits(), bits(), bits());
        Self { commits, cancel, queue: AgeQueue::default(), left, right, stale, waiting, waiting_fresh: 0 }
    }

    /// Common ancestors with all of the best among them, in the order in which they were met.
    fn common_ancestors(mut self, left: &[Ordinal], right: &[Ordinal]) -> Result<Vec<Ordinal>> {
        self.start(left, right)?;
        let (mut common, mut found) = (Vec::new(), BitSet::new(self.commits.db().ordinal_count()));
        while let Some((_, commit)) = self.take()? {
            if self.left.get(commit) && self.right.get(commit) && !self.stale.get(commit) && found.insert(commit) {
                common.push(commit);
            }
            self.pass_on(commit)?;
        }
        common.retain(|&commit| !self.stale.get(commit));
        Ok(common)
    }

    /// Whether `ancestor`, which has no generation, is reached from one of `descendants`.
    ///
    /// No commit between them can be stale: it would have to be an ancestor of its own ancestor. Nor has one a generation.
    fn reaches(mut self, ancestor: Ordinal, descendants: &[Ordinal]) -> Result<bool> {
        self.start(&[ancestor], descendants)?;
        while !self.right.get(ancestor) {
            let Some((_, commit)) = self.take()?.filter(|(age, _)| age.is_infinite()) else { return Ok(false) };
            self.pass_on(commit)?;
        }
        Ok(true)
    }

    fn start(&mut self, left: &[Ordinal], right: &[Ordinal]) -> Result<()> {
        left.iter().try_for_each(|&commit| self.colour(commit, true, false, false))?;
        right.iter().try_for_each(|&commit| self.colour(commit, false, true, false))
    }

    /// The next commit and its age, as long as one that is not stale waits.
    fn take(&mut self) -> Result<Option<(Age, Ordinal)>> {
        self.cancel.check()?;
        if self.waiting_fresh == 0 {
            return Ok(None);
        }
        let Some((age, commit)) = self.queue.pop() else { return Ok(None) };
        self.waiting.remove(commit);
        self.waiting_fresh -= u32::from(!self.stale.get(commit));
        Ok(Some((age, commit)))
    }

    fn pass_on(&mut self, commit: Ordinal) -> Result<()> {
        let (left, right) = (self.left.get(commit), self.right.get(commit));
        let parents = self.commits.parents(commit)?;
        parents.iter().try_for_each(|&parent| self.colour(parent, left, right, left && right))
    }

    /// Add colours. A commit that gets a new one has to pass it on, so it waits (again).
    fn colour(&mut self, commit: Ordinal, left: bool, right: bool, stale: bool) -> Result<()> {
        let fresh_before = !self.stale.get(commit);
        let mut changed = left && self.left.insert(commit);
        changed |= right && self.right.insert(commit);
        changed |= stale && self.stale.insert(commit);
        if !changed {
            return Ok(());
        }
        if self.waiting.insert(commit) {
            self.queue.push(self.commits.age(commit)?, commit);
            self.waiting_fresh += u32::from(!stale && fresh_before);
        } else {
            self.waiting_fresh -= u32::from(stale && fresh_before);
        }
        Ok(())
    }
}
