//! What walks need of a commit: from a commit-graph, or parsed.

use crate::closure::{named, require_edge};
use crate::graphs::{Graphs, INFINITE, Known};
use crate::kept::Kept;
use crate::parents::Parents;
use packhouse_object::edges::{commit_edges, tag_target};
use packhouse_object::{Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// What walks need of a commit.
#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) age: Age,
    pub(crate) tree: Oid,
    pub(crate) parents: Parents,
}

/// The order in which walks take commits: no commit comes before one of its descendants that has a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    /// `INFINITE` if no commit-graph has the commit.
    pub(crate) generation: u64,
    /// Seconds since 1970, of the committer; 0 where Git finds none.
    pub(crate) date_s: u64,
}

impl Age {
    pub(crate) const fn is_infinite(self) -> bool {
        self.generation == INFINITE
    }

    /// Whether a commit of this age may have another one, of a certain generation, among its ancestors.
    pub(crate) const fn may_be_above(self, generation: u64) -> bool {
        self.is_infinite() || self.generation > generation
    }
}

/// Commits of a database, from commit-graphs or else parsed and kept for a while.
///
/// History may be *cut*, as by grafts: a cut commit has no parents, whatever it says. Walks get their commits from here,
/// so all of them end where history is cut.
pub(crate) struct Commits<'a> {
    db: &'a Database,
    graphs: Graphs<'a>,
    cut: BitSet,
    kept: Kept,
}

impl<'a> Commits<'a> {
    pub(crate) fn new(db: &'a Database) -> Self {
        Self::with_cut(db, BitSet::new(0))
    }

    pub(crate) fn with_cut(db: &'a Database, cut: BitSet) -> Self {
        Self { db, graphs: Graphs::of(db), cut, kept: Kept::default() }
    }

    pub(crate) const fn db(&self) -> &'a Database {
        self.db
    }

    pub(crate) fn get(&mut self, ordinal: Ordinal) -> Result<Commit> {
        match self.row_at(ordinal) {
            Some((known, age)) => {
                Ok(Commit { age, tree: known.row.tree(), parents: self.parents_in(&known, ordinal)? })
            }
            None => self.kept(ordinal),
        }
    }

    pub(crate) fn parents(&mut self, ordinal: Ordinal) -> Result<Parents> {
        match self.graphs.at(ordinal) {
            Some(known) => self.parents_in(&known, ordinal),
            None => self.kept(ordinal).map(|commit| commit.parents),
        }
    }

    pub(crate) fn age(&mut self, ordinal: Ordinal) -> Result<Age> {
        match self.row_at(ordinal) {
            Some((_, age)) => Ok(age),
            None => self.kept(ordinal).map(|commit| commit.age),
        }
    }

    pub(crate) fn date_s(&mut self, ordinal: Ordinal) -> Result<u64> {
        self.age(ordinal).map(|age| age.date_s)
    }

    /// The least generation of some commits; `INFINITE` without any. Nothing is parsed.
    pub(crate) fn least_generation(&self, commits: impl IntoIterator<Item = Ordinal>) -> u64 {
        commits.into_iter().map(|commit| self.graphs.generation(commit)).min().unwrap_or(INFINITE)
    }

    /// A commit of which the graph beside it tells everything.
    fn row_at(&self, ordinal: Ordinal) -> Option<(Known<'a>, Age)> {
        let known = self.graphs.at(ordinal)?;
        let age = Age { generation: known.row.generation(), date_s: known.row.date_s()? };
        Some((known, age))
    }

    fn kept(&mut self, ordinal: Ordinal) -> Result<Commit> {
        if let Some(commit) = self.kept.get(ordinal) {
            return Ok(commit.clone());
        }
        let commit = self.read(ordinal)?;
        self.kept.put(ordinal, commit.clone());
        Ok(commit)
    }

    /// A commit that is in no graph, or in that of another pack, or has a date that a graph cannot hold.
    fn read(&self, ordinal: Ordinal) -> Result<Commit> {
        let known = self.graphs.find(ordinal);
        let generation = known.as_ref().map_or(INFINITE, |known| known.row.generation());
        if let Some((known, date_s)) = known.as_ref().and_then(|known| Some((known, known.row.date_s()?))) {
            let (tree, parents) = (known.row.tree(), self.parents_in(known, ordinal)?);
            return Ok(Commit { age: Age { generation, date_s }, tree, parents });
        }
        let stored = read_cut_commit(self.db, ordinal, self.cut.get(ordinal))?;
        let age = Age { generation, date_s: stored.date_s };
        Ok(Commit { age, tree: stored.tree, parents: stored.parents.into_iter().collect() })
    }

    fn parents_in(&self, known: &Known<'_>, ordinal: Ordinal) -> Result<Parents> {
        if self.cut.get(ordinal) { Ok(Parents::default()) } else { known.parents(ordinal) }
    }
}

/// What a commit's object says of it.
pub struct StoredCommit {
    /// Seconds since 1970, of the committer; 0 where Git finds none.
    pub date_s: u64,
    /// The commit's tree.
    pub tree: Oid,
    /// The homes of the parents, in the commit's order.
    pub parents: Vec<Ordinal>,
}

/// Read and parse a commit.
///
/// # Errors
/// `MissingEdge`; `CorruptObject` for what is no commit; what reading can raise.
pub fn read_commit(db: &Database, ordinal: Ordinal) -> Result<StoredCommit> {
    read_cut_commit(db, ordinal, false)
}

fn read_cut_commit(db: &Database, ordinal: Ordinal, is_cut: bool) -> Result<StoredCommit> {
    parse_commit(db, ordinal, is_cut).map_err(|error| named(db, ordinal, error))
}

fn parse_commit(db: &Database, ordinal: Ordinal, is_cut: bool) -> Result<StoredCommit> {
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
    Ok(StoredCommit { date_s: committer_date_s(&content), tree, parents })
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
    Commits::new(db).parents(db.require(commit)?).map(|parents| parents.to_vec())
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
