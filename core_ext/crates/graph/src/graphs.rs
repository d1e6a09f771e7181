//! What commit-graphs know of the commits of a database.
//!
//! A pack may have a commit-graph, and if so it holds all ancestors of each commit in it. A generation follows from a
//! commit's ancestors alone, so all graphs agree on it. Hence:
//!
//! - A commit that some graph has, has a generation, and so do its ancestors, with lesser ones; wherever their homes are.
//! - The generation of any other commit is `INFINITE`. It may be above commits with one, and never below.
//!
//! Where history is cut, a walk sees fewer edges than the graph: no descendant is of a lesser generation for that.

use crate::closure::require_home;
use crate::parents::Parents;
use packhouse_object::Result;
use packhouse_pack::{CommitGraph, CommitRow, Database, Ordinal, Pack};

/// The generation of a commit that no graph has.
pub(crate) const INFINITE: u64 = u64::MAX;

/// The commit-graphs of the packs of a database, as they were at one moment: one that comes later would turn commits that
/// a walk took for infinite into others.
pub(crate) struct Graphs<'a> {
    db: &'a Database,
    attached: Vec<Attached<'a>>,
}

struct Attached<'a> {
    /// The first ordinal of the pack.
    first: Ordinal,
    pack: &'a Pack,
    graph: &'a CommitGraph,
}

/// A commit that a graph has.
pub(crate) struct Known<'a> {
    db: &'a Database,
    /// The first ordinal of the graph's pack.
    first: Ordinal,
    pub(crate) row: CommitRow<'a>,
}

impl<'a> Graphs<'a> {
    pub(crate) fn of(db: &'a Database) -> Self {
        let packs = db.packs().iter().enumerate();
        let attached = packs.filter_map(|(number, pack)| {
            Some(Attached { first: db.first_ordinal(number), pack, graph: pack.graph()? })
        });
        Self { db, attached: attached.collect() }
    }

    /// What the graph of the pack of an ordinal has there. Cost: a bit test.
    pub(crate) fn at(&self, ordinal: Ordinal) -> Option<Known<'a>> {
        let behind = self.attached.partition_point(|attached| attached.first <= ordinal);
        let attached = &self.attached[behind.checked_sub(1)?];
        self.known(attached, ordinal - attached.first)
    }

    /// What any graph has of the object at an ordinal: a newer pack may be the home of a commit that a graph has. Cost: a
    /// lookup by id for each graph.
    pub(crate) fn find(&self, ordinal: Ordinal) -> Option<Known<'a>> {
        if self.attached.is_empty() {
            return None;
        }
        let oid = self.db.oid_of(ordinal);
        self.attached.iter().find_map(|attached| self.known(attached, attached.pack.index().find(&oid)?))
    }

    /// The generation of a commit. Cost: that of `at`, else of `find`.
    pub(crate) fn generation(&self, ordinal: Ordinal) -> u64 {
        self.at(ordinal).or_else(|| self.find(ordinal)).map_or(INFINITE, |known| known.row.generation())
    }

    fn known(&self, attached: &Attached<'a>, position: u32) -> Option<Known<'a>> {
        let row = attached.graph.row(attached.graph.row_of(position)?);
        Some(Known { db: self.db, first: attached.first, row })
    }
}

impl Known<'_> {
    /// The homes of the parents of the commit at `from`. What is not visible is as missing as if it were not stored.
    pub(crate) fn parents(&self, from: Ordinal) -> Result<Parents> {
        let mut parents = Parents::default();
        self.row.for_each_parent(|position| {
            parents.push(require_home(self.db, from, self.first + position)?);
            Ok(())
        })?;
        Ok(parents)
    }
}
