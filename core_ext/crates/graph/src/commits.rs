//! What walks need of a commit, parsed once and kept for a while.

use crate::closure::{named, require_edge};
use packhouse_object::edges::{commit_edges, tag_target};
use packhouse_object::{Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};
use std::sync::Arc;

/// A parsed commit.
#[derive(Clone)]
pub(crate) struct Commit {
    /// Seconds since 1970, of the committer; 0 where Git finds none.
    pub(crate) date_s: u64,
    pub(crate) tree: Oid,
    pub(crate) parents: Arc<[Ordinal]>,
}

/// How many commits are kept: about 400 KiB.
const SLOTS: usize = 1 << 12;

/// Commits of a database, through a cache with one slot for each of so many ordinals.
///
/// History may be *cut*, as by grafts: a cut commit has no parents, whatever it says. Walks get their commits from here,
/// so all of them end where history is cut.
pub(crate) struct Commits<'a> {
    db: &'a Database,
    cut: BitSet,
    slots: Vec<Option<(Ordinal, Commit)>>,
}

impl<'a> Commits<'a> {
    pub(crate) fn new(db: &'a Database) -> Self {
        Self::with_cut(db, BitSet::new(0))
    }

    pub(crate) fn with_cut(db: &'a Database, cut: BitSet) -> Self {
        Self { db, cut, slots: vec![None; SLOTS] }
    }

    pub(crate) const fn db(&self) -> &'a Database {
        self.db
    }

    pub(crate) fn get(&mut self, ordinal: Ordinal) -> Result<Commit> {
        let slot = &mut self.slots[ordinal as usize % SLOTS];
        match slot {
            Some((kept, commit)) if *kept == ordinal => Ok(commit.clone()),
            _ => {
                let is_cut = self.cut.get(ordinal);
                let commit = read_commit(self.db, ordinal, is_cut).map_err(|error| named(self.db, ordinal, error))?;
                *slot = Some((ordinal, commit.clone()));
                Ok(commit)
            }
        }
    }

    pub(crate) fn date_s(&mut self, ordinal: Ordinal) -> Result<u64> {
        self.get(ordinal).map(|commit| commit.date_s)
    }
}

fn read_commit(db: &Database, ordinal: Ordinal, is_cut: bool) -> Result<Commit> {
    let (kind, content) = db.read(ordinal, db.limits().max_object_bytes)?;
    if kind != Kind::Commit {
        return Err(Error::CorruptObject { oid: None, what: format!("a {kind} where a commit is needed") });
    }
    let (mut tree, mut parents) = (None, Vec::new());
    commit_edges(db.format(), &content, |oid, kind| {
        match kind {
            Kind::Tree => tree = Some(oid),
            _ if is_cut => (),
            _ => parents.push(require_edge(db, ordinal, &oid)?),
        }
        Ok(())
    })?;
    let tree = tree.ok_or_else(|| Error::CorruptObject { oid: None, what: "a commit without tree".to_owned() })?;
    Ok(Commit { date_s: committer_date_s(&content), tree, parents: parents.into() })
}

/// The committer's date as Git's walks read it: from the line after the author's, after the first `>`; else 0.
fn committer_date_s(content: &[u8]) -> u64 {
    let lines = content.split(|&byte| byte == b'\n').skip_while(|line| !line.starts_with(b"author"));
    let committer = lines.skip(1).take(1).find(|line| line.starts_with(b"committer"));
    let date = committer.and_then(|line| line.splitn(2, |&byte| byte == b'>').nth(1)).unwrap_or_default();
    let digits = date.trim_ascii_start().iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |value: u64, digit| value.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

/// Follow annotated tags to what is none; `visit` meets each tag on the way.
///
/// # Errors
/// `MissingEdge`; `CorruptObject` for a tag that does not parse; what reading can raise.
pub fn peel(db: &Database, ordinal: Ordinal, mut visit: impl FnMut(Ordinal)) -> Result<(Kind, Ordinal)> {
    let mut at = ordinal;
    loop {
        let kind = db.kind_of(at)?;
        if kind != Kind::Tag {
            return Ok((kind, at));
        }
        visit(at);
        let (_, content) = db.read(at, db.limits().max_object_bytes)?;
        let (target, _) = tag_target(db.format(), &content).map_err(|error| named(db, at, error))?;
        at = require_edge(db, at, &target)?;
    }
}

/// Those of some ids that are visible commits; anything else is passed over.
///
/// # Errors
/// What reading can raise.
pub(crate) fn commits_among(db: &Database, oids: &[Oid]) -> Result<BitSet> {
    let mut commits = BitSet::new(db.ordinal_count());
    for home in oids.iter().filter_map(|oid| db.locate(oid)) {
        if db.kind_of(home)? == Kind::Commit {
            commits.insert(home);
        }
    }
    Ok(commits)
}

/// The parents of a commit, in its order.
///
/// # Errors
/// `Missing`; `CorruptObject` for what is no commit; `MissingEdge`; what reading can raise.
pub fn parents(db: &Database, commit: &Oid) -> Result<Vec<Ordinal>> {
    let ordinal = db.require(commit)?; // without a cache: to make one takes longer than to read a commit
    read_commit(db, ordinal, false).map(|commit| commit.parents.to_vec()).map_err(|error| named(db, ordinal, error))
}

/// The commit that an id names, through tags.
///
/// # Errors
/// `Missing`, or `CorruptObject` if it leads to something else; as [`peel`].
pub fn peel_to_commit(db: &Database, oid: &Oid) -> Result<Ordinal> {
    match peel(db, db.require(oid)?, |_| ())? {
        (Kind::Commit, commit) => Ok(commit),
        (kind, other) => Err(Error::CorruptObject {
            oid: Some(db.oid_of(other)),
            what: format!("a {kind} where a commit is needed"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::committer_date_s;

    fn date_of(committer: &str) -> u64 {
        let head = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 5 +0000\n";
        committer_date_s(format!("{head}{committer}\n\nauthor committer > 9\n").as_bytes())
    }

    #[test]
    fn dates_are_read_as_git_reads_them() {
        assert_eq!(date_of("committer C <c@d> 1234567890 +0200"), 1_234_567_890);
        assert_eq!(date_of("committer C <c>d> 77 +0200"), 0);
        assert_eq!(date_of("committer C <c@d>"), 0);
        assert_eq!(date_of("committer C <c@d> 99999999999999999999999 +0000"), u64::MAX);
        assert_eq!(date_of("encoding x"), 0);
        assert_eq!(committer_date_s(b"tree x"), 0);
    }
}
