//! When negotiation may end: do the haves suffice to cut every want off from the past?
//!
//! These are the semantics of `ok_to_give_up` in Git's upload-pack.c, which asks `can_all_from_reach_with_flag`
//! (commit-reach.c): with no haves, no; a want is peeled; a want that is no commit has no ancestry and stands in nobody's
//! way; a have's parents count as haves (`do_got_oid`); the search does not go below the date of the oldest have, here
//! with the slack that `walk.rs` allows. A wrong clock can only make the answer a late yes, which costs another round.
//! Among commits with generations no clock matters: the search does not go below the least generation of a have.
//! A shallow client does not have what its history is cut off from: neither haves nor wants reach beyond the cut.

use crate::commits::{Commits, commits_among, peel};
use crate::graphs::INFINITE;
use crate::walk::CLOCK_SLACK_S;
use packhouse_object::{CancelFlag, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// Whether each want that leads to a commit reaches one of the haves, in a history that ends at `shallow`.
///
/// What is not visible or no commit among `shallow` is passed over.
///
/// # Errors
/// `Missing` for a want or have, `MissingEdge` for a target of an edge, that is not visible; `Cancelled`; what reading can
/// raise.
pub fn all_reach(db: &Database, wants: &[Oid], haves: &[Oid], shallow: &[Oid], cancel: &CancelFlag) -> Result<bool> {
    let mut search = Search::new(Commits::with_cut(db, commits_among(db, shallow)?), cancel);
    for have in haves {
        cancel.check()?;
        if let (Kind::Commit, commit) = peel(db, db.require(have)?, |_| ())? {
            search.add_have(commit)?;
        }
    }
    for want in wants {
        cancel.check()?;
        if let (Kind::Commit, commit) = peel(db, db.require(want)?, |_| ())?
            && !search.reaches(commit)?
        {
            return Ok(false);
        }
    }
    Ok(!haves.is_empty())
}

/// A depth-first search that remembers, over all wants, what reaches a have and what was looked at.
///
/// Memory: two bits for each object, eight bytes for each commit on the path from a want to where the search is.
struct Search<'a> {
    commits: Commits<'a>,
    cancel: &'a CancelFlag,
    reaching: BitSet,
    met: BitSet,
    oldest_have_s: u64,
    /// The least generation among what counts as a have.
    floor: u64,
}

impl<'a> Search<'a> {
    fn new(commits: Commits<'a>, cancel: &'a CancelFlag) -> Self {
        let count = commits.db().ordinal_count();
        let bits = || BitSet::new(count);
        Self { commits, cancel, reaching: bits(), met: bits(), oldest_have_s: u64::MAX, floor: INFINITE }
    }

    fn add_have(&mut self, commit: Ordinal) -> Result<()> {
        self.oldest_have_s = self.oldest_have_s.min(self.commits.date_s(commit)?);
        let parents = self.commits.parents(commit)?;
        let known = || std::iter::once(commit).chain(parents.iter().copied());
        self.floor = self.floor.min(self.commits.least_generation(known()));
        known().for_each(|known| _ = self.reaching.insert(known));
        Ok(())
    }

    fn reaches(&mut self, want: Ordinal) -> Result<bool> {
        let mut path = Vec::new();
        if self.met.insert(want) {
            path.push((want, 0));
        }
        while let Some(&(commit, next)) = path.last() {
            self.cancel.check()?;
            match self.step(commit, next)? {
                Step::Down(parent) => {
                    path.last_mut().into_iter().for_each(|(_, next)| *next += 1);
                    path.extend(parent.map(|parent| (parent, 0)));
                }
                Step::Up => {
                    path.pop();
                    self.pass_up(commit, path.last().map(|&(child, _)| child));
                }
            }
        }
        Ok(self.reaching.get(want))
    }

    fn step(&mut self, commit: Ordinal, next: u32) -> Result<Step> {
        if self.reaching.get(commit) {
            return Ok(Step::Up);
        }
        let parents = self.commits.parents(commit)?;
        let Some(&parent) = parents.get(next as usize) else { return Ok(Step::Up) };
        if self.reaching.get(parent) {
            self.reaching.insert(commit);
            return Ok(Step::Up);
        }
        let worth_a_look = self.met.insert(parent) && self.may_reach(parent)?;
        Ok(Step::Down(worth_a_look.then_some(parent)))
    }

    fn may_reach(&mut self, commit: Ordinal) -> Result<bool> {
        let age = self.commits.age(commit)?;
        let is_young = age.date_s >= self.oldest_have_s.saturating_sub(CLOCK_SLACK_S);
        Ok(if age.is_infinite() { is_young } else { age.may_be_above(self.floor) })
    }

    fn pass_up(&mut self, commit: Ordinal, child: Option<Ordinal>) {
        if let (true, Some(child)) = (self.reaching.get(commit), child) {
            self.reaching.insert(child);
        }
    }
}

enum Step {
    /// On to the next parent, and into it if it is worth a look.
    Down(Option<Ordinal>),
    /// Done with this commit.
    Up,
}
