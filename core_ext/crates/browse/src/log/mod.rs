//! The log of a path: the commits that changed it, newest first.
//!
//! History is simplified as `git log -- path` does it. A commit is passed over if one of its parents has the same at the
//! path, and then history goes on from that parent alone: whatever the others did came to nothing there. A parent that is
//! hidden counts only if no other is there, or if it was named itself as what hides. (By its dates, Git may look at a merge
//! before it knows that a parent is hidden; then it passes over a merge that is shown here.)
//!
//! A page ends when it is full, or when enough commits were looked at; its cursor says where to go on.

mod cursor;
mod path_history;

use cursor::Cursor;
use packhouse_graph::{CommitReader, DateQueue, hidden_from};
use packhouse_object::{CancelFlag, Error, Result};
use packhouse_pack::{BitSet, Database, Ordinal};
use path_history::PathHistory;

/// So many commits are remembered before some are forgotten.
const FORGET_AT: usize = 64;

/// Which commits are wanted.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions<'a> {
    /// Those that changed what is there; without, all.
    pub path: Option<&'a [u8]>,
    /// None that is older, by its committer's date, and none by way of it.
    pub since_s: Option<u64>,
    /// None that is newer.
    pub until_s: Option<u64>,
    /// The most of them.
    pub limit: usize,
    /// Of those that fit, the first that are passed over. With a cursor it is not looked at.
    pub skip: u64,
    /// The most commits that are looked at; those before a cursor are not counted.
    pub max_looked_at: usize,
}

/// The commits of a page, and the cursor of the next one if history goes on.
pub type LogPage = (Vec<Ordinal>, Option<Vec<u8>>);

/// A page of the commits that `tips` reach and `hidden` do not, by committer date, the newest first.
///
/// tips, hidden: homes of commits; the same ones with a cursor.
///
/// # Errors
/// `Invalid` for a cursor or a path that is none and for limits of 0, `Missing` for one that leads to what is gone; `MissingEdge`; `CorruptObject`;
/// `Cancelled`; what reading can raise.
pub fn log(
    db: &Database,
    tips: &[Ordinal],
    hidden: &[Ordinal],
    options: &LogOptions<'_>,
    after: Option<&[u8]>,
    cancel: &CancelFlag,
) -> Result<LogPage> {
    if options.limit == 0 || options.max_looked_at == 0 {
        return Err(Error::Invalid { what: "a page of 0 commits".to_owned() });
    }
    let cursor = match after {
        Some(raw) => Cursor::parse(raw, db)?,
        None => Cursor::start(options.skip),
    };
    let mut walk = Walk::new(db, options, hidden, cancel)?;
    walk.start(tips, &cursor)?;
    walk.page(cursor.looked_at(), cursor.skip())
}

struct Walk<'a> {
    db: &'a Database,
    options: &'a LogOptions<'a>,
    cancel: &'a CancelFlag,
    commits: CommitReader<'a>,
    history: Option<PathHistory<'a>>,
    named_hidden: &'a [Ordinal],
    hidden: BitSet,
    met: BitSet,
    queue: DateQueue,
    /// Those that were taken, each with its date, as long as an equal or older one may lead to them again.
    taken: Vec<(u64, Ordinal)>,
    /// How many of these make it worth while to forget some.
    forget_at: usize,
    looked_at: u64,
}

impl<'a> Walk<'a> {
    fn new(
        db: &'a Database,
        options: &'a LogOptions<'a>,
        named_hidden: &'a [Ordinal],
        cancel: &'a CancelFlag,
    ) -> Result<Self> {
        Ok(Self {
            db,
            options,
            cancel,
            commits: CommitReader::new(db),
            history: options.path.map(|path| PathHistory::new(db, path)).transpose()?,
            named_hidden,
            hidden: BitSet::new(0),
            met: BitSet::new(0),
            queue: DateQueue::default(),
            taken: Vec::new(),
            forget_at: FORGET_AT,
            looked_at: 0,
        })
    }

    fn start(&mut self, tips: &[Ordinal], cursor: &Cursor) -> Result<()> {
        let tips = cursor.waiting().unwrap_or(tips);
        self.looked_at = if cursor.waiting().is_some() { cursor.looked_at() } else { 0 };
        self.hidden = hidden_from(self.db, tips, self.named_hidden, self.cancel)?;
        self.met = self.hidden.clone();
        for &commit in cursor.taken() {
            self.met.insert(commit);
            self.taken.push((self.commits.date_s(commit)?, commit));
        }
        tips.iter().try_for_each(|&tip| self.meet(tip))
    }

    fn meet(&mut self, commit: Ordinal) -> Result<()> {
        if self.met.insert(commit) {
            self.queue.push(self.commits.date_s(commit)?, commit);
        }
        Ok(())
    }

    /// Walk to the end of the page. The first `before` commits belong to pages that went before.
    fn page(mut self, before: u64, mut skip: u64) -> Result<LogPage> {
        let mut shown = Vec::new();
        let end = before.saturating_add(self.options.max_looked_at as u64);
        while shown.len() < self.options.limit && self.looked_at < end {
            self.cancel.check()?;
            let Some((date_s, commit)) = self.queue.pop() else { return Ok((shown, None)) };
            let is_shown = self.take(date_s, commit)?;
            self.looked_at += 1;
            if !is_shown || self.looked_at <= before {
                continue;
            }
            if skip > 0 {
                skip -= 1;
            } else {
                shown.push(commit);
            }
        }
        let cursor = self.cursor(skip);
        Ok((shown, cursor))
    }

    /// Look at a commit, and put its parents in line. Returns whether it fits.
    fn take(&mut self, date_s: u64, commit: Ordinal) -> Result<bool> {
        self.note(date_s, commit);
        if self.options.since_s.is_some_and(|since_s| date_s < since_s) {
            return Ok(false);
        }
        let read = self.commits.read(commit)?;
        let (is_changed, followed) = match &mut self.history {
            None => (true, read.parents),
            Some(history) => {
                let (hidden, named) = (&self.hidden, self.named_hidden);
                let counts = |parent: Ordinal| !hidden.get(parent) || named.contains(&parent);
                history.simplified(&mut self.commits, read, counts)?
            }
        };
        followed.iter().try_for_each(|&parent| self.meet(parent))?;
        Ok(is_changed && self.options.until_s.is_none_or(|until_s| date_s <= until_s))
    }

    /// Remember what was taken, and forget what nothing that waits can lead to: it is newer.
    fn note(&mut self, date_s: u64, commit: Ordinal) {
        if self.taken.len() >= self.forget_at {
            self.taken.retain(|&(taken_s, _)| taken_s <= date_s);
            self.forget_at = 2 * self.taken.len() + FORGET_AT;
        }
        self.taken.push((date_s, commit));
    }

    /// Where to go on; `None` at the end of history.
    fn cursor(mut self, skip: u64) -> Option<Vec<u8>> {
        let newest_s = self.queue.next_key()?;
        let mut waiting = Vec::new();
        while waiting.len() <= cursor::MAX_COMMITS
            && let Some((_, commit)) = self.queue.pop()
        {
            waiting.push(commit);
        }
        let taken = self.taken.iter().filter(|&&(date_s, _)| date_s <= newest_s).map(|&(_, commit)| commit);
        Some(Cursor::of(self.looked_at, skip, waiting, taken.collect()).written(self.db))
    }
}
