//! Reachability: everything that some objects refer to, directly or not.
//!
//! The graph has three levels with very different costs. Blobs refer to nothing: they are marked and never read. Commits
//! are few. Trees make the cost: each is read once, and nearly all of its entries stood in another version of it; a small
//! exact filter of recent ids spares them the lookup in the packs' indexes.
//!
//! Memory: a bit for each object of the database, a frontier of at most 256 KiB and a bit for each object, 1 MiB of filter.

use crate::commits::Commits;
use crate::cover::{Cover, has_bitmaps};
use crate::frontier::Frontier;
use crate::graphs::Graphs;
use crate::recent::RecentOids;
use crate::roots::Roots;
use crate::tree::for_each_entry;
use packhouse_object::edges::{commit_edges, tag_target};
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// The closure of the tips, themselves included. From bitmaps, where there are some.
///
/// # Errors
/// `Missing` for a tip and `MissingEdge` for a target of an edge that is not visible; `Cancelled`; what reading can raise.
pub fn reachable(db: &Database, tips: &[Oid], cancel: &CancelFlag) -> Result<BitSet> {
    match by_bitmaps(db, tips, None, cancel)? {
        Some(closure) => Ok(closure),
        None => walked(db, tips, None, cancel),
    }
}

/// The closure of the tips together with `known`, which is one already: it is not walked again.
///
/// # Errors
/// As [`reachable`].
///
/// # Panics
/// If `known` was not made for this database.
pub fn reachable_beyond(db: &Database, known: &BitSet, tips: &[Oid], cancel: &CancelFlag) -> Result<BitSet> {
    let mut all = match by_bitmaps(db, tips, Some(known), cancel)? {
        Some(beyond) => beyond,
        None => walked(db, tips, Some(known), cancel)?,
    };
    all.union(known);
    Ok(all)
}

fn walked(db: &Database, tips: &[Oid], known: Option<&BitSet>, cancel: &CancelFlag) -> Result<BitSet> {
    let mut closure = Closure::new(db, cancel, known);
    for tip in tips {
        closure.add_any(db.require(tip)?)?;
    }
    closure.run()
}

/// The closure, maybe with parts of `known`; None if there are no bitmaps, or they are damaged, or it is not all visible.
fn by_bitmaps(db: &Database, tips: &[Oid], known: Option<&BitSet>, cancel: &CancelFlag) -> Result<Option<BitSet>> {
    if !has_bitmaps(db) {
        return Ok(None);
    }
    match covered(db, &Roots::new(db, tips)?, known, cancel) {
        Ok(closure) => Ok(Some(closure).filter(|closure| db.shows_all(closure))),
        Err(Error::CorruptIndex { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn covered(db: &Database, roots: &Roots, known: Option<&BitSet>, cancel: &CancelFlag) -> Result<BitSet> {
    let (mut commits, mut cover) = (Commits::new(db), Cover::new(db, cancel));
    cover.add(&mut commits, &roots.commits, known, usize::MAX)?;
    let mut closure = Closure::from(db, cancel, known, cover.reached);
    closure.add_named(roots)?;
    for &commit in &cover.loose {
        let tree = commits.get(commit)?.tree;
        closure.add(require_edge(db, commit, &tree)?);
    }
    closure.run()
}

/// A traversal that marks what it meets.
pub(crate) struct Closure<'a> {
    db: &'a Database,
    cancel: &'a CancelFlag,
    /// Objects at which to stop. They are not part of the closure.
    border: Option<&'a BitSet>,
    seen: BitSet,
    frontier: Frontier,
    recent: RecentOids,
    graphs: Graphs<'a>,
}

impl<'a> Closure<'a> {
    pub(crate) fn new(db: &'a Database, cancel: &'a CancelFlag, border: Option<&'a BitSet>) -> Self {
        Self::from(db, cancel, border, BitSet::new(db.ordinal_count()))
    }

    /// A traversal that has been at `seen`, and has visited what that refers to.
    pub(crate) fn from(db: &'a Database, cancel: &'a CancelFlag, border: Option<&'a BitSet>, seen: BitSet) -> Self {
        let (frontier, recent) = (Frontier::new(db.ordinal_count()), RecentOids::new());
        Self { db, cancel, border, seen, frontier, recent, graphs: Graphs::of(db) }
    }

    /// Add what was asked for by name, but for commits.
    pub(crate) fn add_named(&mut self, roots: &Roots) -> Result<()> {
        for &tag in &roots.tags {
            self.mark(tag);
        }
        roots.contents.iter().try_for_each(|&content| self.add_any(content))
    }

    /// Add an object of any kind with all that it refers to. A blob is not read for that.
    pub(crate) fn add_any(&mut self, ordinal: Ordinal) -> Result<()> {
        if self.db.kind_of(ordinal)? == Kind::Blob {
            self.mark(ordinal);
        } else {
            self.add(ordinal);
        }
        Ok(())
    }

    /// Add an object that is no blob with all that it refers to.
    pub(crate) fn add(&mut self, ordinal: Ordinal) {
        if self.mark(ordinal) {
            self.frontier.push(ordinal);
        }
    }

    /// Add an object alone. Returns whether it was new.
    pub(crate) fn mark(&mut self, ordinal: Ordinal) -> bool {
        !self.border.is_some_and(|border| border.get(ordinal)) && self.seen.insert(ordinal)
    }

    /// Visit all that was added. Returns the closure.
    pub(crate) fn run(mut self) -> Result<BitSet> {
        while let Some(ordinal) = self.frontier.pop() {
            self.cancel.check()?;
            self.visit(ordinal).map_err(|error| named(self.db, ordinal, error))?;
        }
        Ok(self.seen)
    }

    fn visit(&mut self, ordinal: Ordinal) -> Result<()> {
        if let Some(known) = self.graphs.at(ordinal) {
            known.parents(ordinal)?.iter().for_each(|&parent| self.add(parent));
            return self.edge(ordinal, &known.row.tree(), Kind::Tree);
        }
        let (kind, content) = self.db.read(ordinal, self.db.limits().max_object_bytes)?;
        let format = self.db.format();
        match kind {
            Kind::Blob => Ok(()),
            Kind::Tree => for_each_entry(format, &content, |kind, _, raw| {
                if self.recent.get(raw).is_some() { Ok(()) } else { self.edge(ordinal, &Oid::from_bytes(raw)?, kind) }
            }),
            Kind::Commit => commit_edges(format, &content, |oid, kind| self.edge(ordinal, &oid, kind)),
            Kind::Tag => tag_target(format, &content).and_then(|(oid, kind)| self.edge(ordinal, &oid, kind)),
        }
    }

    fn edge(&mut self, from: Ordinal, oid: &Oid, kind: Kind) -> Result<()> {
        let target = require_edge(self.db, from, oid)?;
        self.recent.add(oid.as_bytes(), ());
        if kind == Kind::Blob {
            self.mark(target);
        } else {
            self.add(target);
        }
        Ok(())
    }
}

/// The home of what an object refers to.
pub(crate) fn require_edge(db: &Database, from: Ordinal, oid: &Oid) -> Result<Ordinal> {
    db.locate(oid).ok_or_else(|| Error::MissingEdge { oid: *oid, from: db.oid_of(from) })
}

/// The home of what is stored at an ordinal and what an object refers to.
pub(crate) fn require_home(db: &Database, from: Ordinal, target: Ordinal) -> Result<Ordinal> {
    db.home_at(target).ok_or_else(|| Error::MissingEdge { oid: db.oid_of(target), from: db.oid_of(from) })
}

/// Say of an object that does not parse which one it is.
pub(crate) fn named(db: &Database, ordinal: Ordinal, error: Error) -> Error {
    match error {
        Error::CorruptObject { oid: None, what } => Error::CorruptObject { oid: Some(db.oid_of(ordinal)), what },
        other => other,
    }
}
