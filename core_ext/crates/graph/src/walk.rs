//! Walking commits: all that some tips reach and others do not.
//!
//! A commit that a hidden tip reaches is *hidden*. Commits are taken by generation, the greatest first, and before them
//! those without generation, by committer date, the newest first.
//!
//! **Commits with generations** are told apart exactly, at the first look. Whatever reaches one is of a greater generation
//! or has none, so it was taken before, and has passed its mark on. When none but hidden ones wait, the walk ends.
//!
//! **Without generations** a clock may have been wrong. Then a mark is passed on to parents that were taken before, too,
//! and from them on.
//!
//! *Nothing is lost.* Marks spread from hidden tips along parents only, and a commit is left out only for its mark. So
//! a commit that is left out is reached from a hidden tip, whatever the dates say.
//!
//! *Little is too much.* The walk may end when every waiting commit is hidden, if from none of them a hidden path can
//! lead to a commit that was shown. If no commit is older than its parents by more than `CLOCK_SLACK_S` along any path,
//! such a path starts at a waiting commit that is not more than the slack older than the oldest one shown. So the walk goes
//! on until the newest waiting commit is older than that. What is shown and should not be is then below a commit that
//! claims to be more than a day older than its own ancestor. (Git goes on for five commits, whatever their dates.)
//! A commit with a generation reaches none without: where only such wait, the walk ends.

use crate::commits::{Age, Commits};
use crate::queue::{AgeQueue, DateQueue};
use packhouse_object::{CancelFlag, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// By how much clocks may disagree without any effect, in seconds: a day, as in Git's other walks.
pub(crate) const CLOCK_SLACK_S: u64 = 86400;

/// A walk with hidden tips. Add the tips, then [`run`](Self::run) it.
pub(crate) struct HidingWalk<'a> {
    commits: Commits<'a>,
    cancel: &'a CancelFlag,
    queue: AgeQueue,
    met: BitSet,
    taken: BitSet,
    hidden: BitSet,
    /// How many waiting commits are not hidden.
    waiting_shown: u32,
    /// Of those without generation.
    oldest_shown_s: u64,
    since_s: u64,
}

impl<'a> HidingWalk<'a> {
    pub(crate) fn new(commits: Commits<'a>, cancel: &'a CancelFlag) -> Self {
        let count = commits.db().ordinal_count();
        let bits = || BitSet::new(count);
        Self {
            commits,
            cancel,
            queue: AgeQueue::default(),
            met: bits(),
            taken: bits(),
            hidden: bits(),
            waiting_shown: 0,
            oldest_shown_s: u64::MAX,
            since_s: 0,
        }
    }

    /// Show no commit that is older, and none by way of it.
    pub(crate) fn since(self, since_s: u64) -> Self {
        Self { since_s, ..self }
    }

    pub(crate) fn show(&mut self, commit: Ordinal) -> Result<()> {
        if self.met.get(commit) {
            return Ok(());
        }
        let (age, hidden) = (self.commits.age(commit)?, self.hidden.get(commit));
        if hidden || age.date_s >= self.since_s {
            self.met.insert(commit);
            self.queue.push(age, commit);
            self.waiting_shown += u32::from(!hidden);
        }
        Ok(())
    }

    pub(crate) fn hide(&mut self, commit: Ordinal) -> Result<()> {
        let mut unmarked = vec![commit];
        while let Some(commit) = unmarked.pop() {
            if !self.hidden.insert(commit) {
                continue;
            }
            if self.taken.get(commit) {
                unmarked.extend_from_slice(&self.commits.parents(commit)?);
            } else if self.met.get(commit) {
                self.waiting_shown -= 1;
            } else {
                self.show(commit)?;
            }
        }
        Ok(())
    }

    /// Walk. Returns the commits that are shown, those that are known to be hidden, and the parsed commits.
    pub(crate) fn run(mut self) -> Result<(BitSet, BitSet, Commits<'a>)> {
        while !self.is_decided() {
            self.cancel.check()?;
            let Some((age, commit)) = self.queue.pop() else { break };
            self.take(age, commit)?;
        }
        self.taken.minus(&self.hidden);
        Ok((self.taken, self.hidden, self.commits))
    }

    fn take(&mut self, age: Age, commit: Ordinal) -> Result<()> {
        let hidden = self.hidden.get(commit);
        self.taken.insert(commit);
        self.waiting_shown -= u32::from(!hidden);
        if !hidden && age.is_infinite() {
            self.oldest_shown_s = self.oldest_shown_s.min(age.date_s);
        }
        let parents = self.commits.parents(commit)?;
        parents.iter().try_for_each(|&parent| if hidden { self.hide(parent) } else { self.show(parent) })
    }

    fn is_decided(&self) -> bool {
        let reaches_shown =
            |next: Age| next.is_infinite() && next.date_s.saturating_add(CLOCK_SLACK_S) >= self.oldest_shown_s;
        self.waiting_shown == 0 && !self.queue.next_key().is_some_and(reaches_shown)
    }
}

/// A page of the commits that `tips` reach and `hidden` do not, in the order of `git rev-list`: by committer date, the
/// newest first, equals in the order in which they were met.
///
/// tips, hidden: homes of commits. Without hidden tips nothing beyond the page is read.
///
/// # Errors
/// `MissingEdge`, `Cancelled`; what reading can raise.
pub fn walk_commits(
    db: &Database,
    tips: &[Ordinal],
    hidden: &[Ordinal],
    page: std::ops::Range<usize>,
    cancel: &CancelFlag,
) -> Result<Vec<Ordinal>> {
    let mut met = hidden_from(db, tips, hidden, cancel)?;
    let (mut commits, mut queue, mut taken) = (Commits::new(db), DateQueue::default(), Vec::new());
    let mut newest_tips: Vec<_> = tips.to_vec();
    newest_tips.retain(|&tip| met.insert(tip));
    for tip in newest_tips {
        queue.push(commits.date_s(tip)?, tip);
    }
    for rank in 0..page.end {
        cancel.check()?;
        let Some((_, commit)) = queue.pop() else { break };
        if rank >= page.start {
            taken.push(commit);
        }
        for &parent in commits.parents(commit)?.iter().filter(|&&parent| met.insert(parent)) {
            queue.push(commits.date_s(parent)?, parent);
        }
    }
    Ok(taken)
}

/// The commits that a walk from `tips` must not enter: those among what they reach that `hidden` reach, too.
///
/// # Errors
/// As [`walk_commits`].
pub fn hidden_from(db: &Database, tips: &[Ordinal], hidden: &[Ordinal], cancel: &CancelFlag) -> Result<BitSet> {
    if hidden.is_empty() {
        return Ok(BitSet::new(db.ordinal_count()));
    }
    let mut walk = HidingWalk::new(Commits::new(db), cancel);
    hidden.iter().try_for_each(|&commit| walk.hide(commit))?;
    tips.iter().try_for_each(|&commit| walk.show(commit))?;
    walk.run().map(|(_, hidden, _)| hidden)
}
