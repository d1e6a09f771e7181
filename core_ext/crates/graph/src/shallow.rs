//! Where a shorter history ends, by depth or by age.
//!
//! Both follow Git (`get_shallow_commits` and `get_shallow_commits_by_rev_list` in its shallow.c), on the whole graph: what
//! the client has, and where its history ends today, does not matter here.
//!
//! Memory: a few bits for each object, and a frontier of fixed size.

use crate::commits::Commits;
use crate::frontier::Frontier;
use crate::roots::Roots;
use crate::walk::HidingWalk;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};
use std::num::NonZeroU32;

/// A history that ends.
pub struct ShortHistory {
    /// The commits at which it ends.
    pub boundary: BitSet,
    /// The commits above them.
    pub above: BitSet,
}

/// The history of so many commits from each tip on. Tips that lead to no commit are passed over.
///
/// A commit counts at its least depth, a tip at depth 1. One at the full depth is a boundary even if it has no parents, as
/// in Git: without that, a client that deepens could not tell that it has everything.
///
/// # Errors
/// `Missing` for a tip, `MissingEdge`; `Cancelled`; what reading can raise.
pub fn depth_boundary(db: &Database, tips: &[Oid], depth: NonZeroU32, cancel: &CancelFlag) -> Result<ShortHistory> {
    let mut levels = Levels::new(db, cancel);
    for tip in Roots::new(db, tips)?.commits {
        levels.meet(tip);
    }
    for _ in 1..depth.get() {
        if !levels.descend()? {
            break;
        }
    }
    let mut boundary = levels.met;
    boundary.minus(&levels.above);
    Ok(ShortHistory { boundary, above: levels.above })
}

/// The history that is not older than `since_s` and that `excluded` does not reach. Ids that lead to no commit are passed
/// over.
///
/// The selected commits are what `git rev-list --max-age=SINCE TIPS --not EXCLUDED` lists; a boundary is one with a parent
/// that is not selected. A commit that is too old is not selected, and nothing is by way of it. That is all if nothing is
/// excluded. Else Git also drops whatever a commit that is too old reaches, as far as it looked, although newer commits
/// lead to it as well: the two differ only where a commit claims to be older than its own ancestor.
///
/// # Errors
/// As [`depth_boundary`]; `Missing` for an excluded object, too.
pub fn age_boundary(
    db: &Database,
    tips: &[Oid],
    since_s: Option<u64>,
    excluded: &[Oid],
    cancel: &CancelFlag,
) -> Result<ShortHistory> {
    let mut walk = HidingWalk::new(Commits::new(db), cancel).since(since_s.unwrap_or(0));
    Roots::new(db, excluded)?.commits.into_iter().try_for_each(|commit| walk.hide(commit))?;
    Roots::new(db, tips)?.commits.into_iter().try_for_each(|commit| walk.show(commit))?;
    let (mut above, _, mut commits) = walk.run()?;
    let mut boundary = BitSet::new(db.ordinal_count());
    for commit in above.iter() {
        cancel.check()?;
        if commits.parents(commit)?.iter().any(|&parent| !above.get(parent)) {
            boundary.insert(commit);
        }
    }
    above.minus(&boundary);
    Ok(ShortHistory { boundary, above })
}

/// A walk that takes all commits of one depth before any of the next.
struct Levels<'a> {
    commits: Commits<'a>,
    cancel: &'a CancelFlag,
    met: BitSet,
    /// What was taken.
    above: BitSet,
    level: Frontier,
}

impl<'a> Levels<'a> {
    fn new(db: &'a Database, cancel: &'a CancelFlag) -> Self {
        let bits = || BitSet::new(db.ordinal_count());
        let level = Frontier::new(db.ordinal_count());
        Self { commits: Commits::new(db), cancel, met: bits(), above: bits(), level }
    }

    fn meet(&mut self, commit: Ordinal) {
        if self.met.insert(commit) {
            self.level.push(commit);
        }
    }

    /// Go one level down. Returns whether there was anything to take.
    fn descend(&mut self) -> Result<bool> {
        let mut taken = std::mem::replace(&mut self.level, Frontier::new(self.met.len()));
        let mut is_any = false;
        while let Some(commit) = taken.pop() {
            self.cancel.check()?;
            self.above.insert(commit);
            self.commits.parents(commit)?.iter().for_each(|&parent| self.meet(parent));
            is_any = true;
        }
        Ok(is_any)
    }
}
