//! Where a log goes on: its cursor.
//!
//! It names the commits that wait, and of those that were taken the ones that these may lead to again: by sane clocks, those
//! of the same second. Where that would be too many, it says how many commits had been looked at, and they are walked
//! once more. Format: how many shown commits are still to be passed over; how many were looked at; how many commits wait, or
//! all bits set if they are not named; then the ids of these and of the others. Numbers have eight bytes, the most
//! significant first.

use packhouse_object::{Error, Kind, Oid, Result};
use packhouse_pack::{Database, Ordinal};

/// The most commits that a cursor names.
pub(super) const MAX_COMMITS: usize = 100;

/// In the place of the number of commits that wait.
const NOT_NAMED: u64 = u64::MAX;

/// A place in a log.
pub(super) struct Cursor {
    skip: u64,
    looked_at: u64,
    named: Option<Named>,
}

struct Named {
    waiting: Vec<Ordinal>,
    taken: Vec<Ordinal>,
}

impl Cursor {
    /// Before the first commit.
    pub(super) const fn start(skip: u64) -> Self {
        Self { skip, looked_at: 0, named: None }
    }

    /// A place by the commits there, or by its distance from the start if there are too many.
    pub(super) fn of(looked_at: u64, skip: u64, waiting: Vec<Ordinal>, taken: Vec<Ordinal>) -> Self {
        let is_short = waiting.len() + taken.len() <= MAX_COMMITS;
        Self { skip, looked_at, named: is_short.then_some(Named { waiting, taken }) }
    }

    /// How many commits had been looked at: those before the page.
    pub(super) const fn looked_at(&self) -> u64 {
        self.looked_at
    }

    /// How many of those that fit are still to be passed over.
    pub(super) const fn skip(&self) -> u64 {
        self.skip
    }

    /// The commits from which the walk goes on, if not from the tips.
    pub(super) fn waiting(&self) -> Option<&[Ordinal]> {
        self.named.as_ref().map(|named| &named.waiting[..])
    }

    /// Commits that were taken and are not to be taken again.
    pub(super) fn taken(&self) -> &[Ordinal] {
        self.named.as_ref().map_or(&[], |named| &named.taken)
    }

    pub(super) fn written(&self, db: &Database) -> Vec<u8> {
        let waiting = self.named.as_ref().map_or(NOT_NAMED, |named| named.waiting.len() as u64);
        let mut raw: Vec<u8> = [self.skip, self.looked_at, waiting].iter().flat_map(|n| n.to_be_bytes()).collect();
        for &commit in self.waiting().unwrap_or_default().iter().chain(self.taken()) {
            raw.extend_from_slice(db.oid_of(commit).as_bytes());
        }
        raw
    }

    /// Read a cursor: it comes from outside.
    pub(super) fn parse(raw: &[u8], db: &Database) -> Result<Self> {
        let bad = || Error::Invalid { what: "no cursor of a log".to_owned() };
        let (head, names) = raw.split_at_checked(24).ok_or_else(bad)?;
        let numbers: Vec<_> = head.as_chunks().0.iter().map(|&number| u64::from_be_bytes(number)).collect();
        let &[skip, looked_at, waiting] = &numbers[..] else { return Err(bad()) };
        let names = names.chunks_exact(db.format().oid_len());
        if !names.remainder().is_empty() || names.len() > MAX_COMMITS {
            return Err(bad());
        }
        let named = match usize::try_from(waiting).ok().filter(|&waiting| waiting <= names.len()) {
            Some(waiting) => {
                let commits = names.map(|raw| commit(db, raw)).collect::<Result<Vec<_>>>()?;
                let (waiting, taken) = commits.split_at(waiting);
                Some(Named { waiting: waiting.to_vec(), taken: taken.to_vec() })
            }
            None if waiting == NOT_NAMED && names.len() == 0 => None,
            None => return Err(bad()),
        };
        Ok(Self { skip, looked_at, named })
    }
}

fn commit(db: &Database, raw: &[u8]) -> Result<Ordinal> {
    let home = db.require(&Oid::from_bytes(raw)?)?;
    if db.kind_of(home)? == Kind::Commit {
        return Ok(home);
    }
    Err(Error::Invalid { what: "a cursor of a log that names no commit".to_owned() })
}
