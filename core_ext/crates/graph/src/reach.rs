//! Which of some commits are ancestors.

use crate::commits::{Commits, commits_among};
use crate::queue::AgeQueue;
use crate::roots::Roots;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::{BitSet, Database};

/// Those of some commits that the tips reach, in their order. What is not visible or no commit is passed over.
///
/// shallow: commits at which history ends, themselves reached.
///
/// The newest commits are looked at first, and when all candidates were met, no more: a shallow client's boundary is near
/// its tips. One that is not reached costs a walk over all commits of greater generations; if it has none, over all that
/// have none, whatever the clocks say.
///
/// # Errors
/// `Missing` for a tip, `MissingEdge`; `Cancelled`; what reading can raise.
pub fn reached_among(
    db: &Database,
    tips: &[Oid],
    candidates: &[Oid],
    shallow: &[Oid],
    cancel: &CancelFlag,
) -> Result<Vec<Oid>> {
    let mut unmet = commits_among(db, candidates)?;
    let (mut unmet_count, mut met) = (unmet.count(), BitSet::new(db.ordinal_count()));
    let (mut commits, mut queue) = (Commits::with_cut(db, commits_among(db, shallow)?), AgeQueue::default());
    let floor = commits.least_generation(unmet.iter());
    let mut waiting = Roots::new(db, tips)?.commits;
    while unmet_count > 0 {
        cancel.check()?;
        for commit in waiting.drain(..).filter(|&commit| met.insert(commit)) {
            unmet_count -= u32::from(unmet.remove(commit));
            queue.push(commits.age(commit)?, commit);
        }
        let Some((_, commit)) = queue.pop().filter(|(age, _)| age.may_be_above(floor)) else { break };
        waiting.extend_from_slice(&commits.parents(commit)?);
    }
    Ok(candidates.iter().filter(|oid| db.locate(oid).is_some_and(|home| met.get(home))).copied().collect())
}
