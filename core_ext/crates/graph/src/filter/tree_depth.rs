//! A walk over trees by depth.
//!
//! All root trees are taken first, then all that stands in one of them, and so on: each tree is met at its least depth, and
//! read at most once. What stands in a tree that was asked for by name has depth 0, as in Git, where only a commit's tree
//! passes the filter itself.

use super::sieve::Sieve;
use crate::closure::{named, require_edge};
use crate::frontier::Frontier;
use crate::recent::RecentOids;
use crate::tree::for_each_entry;
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Content, Database, Ordinal};

/// The walk. Add the trees asked for by name, enter them, add the root trees, then run it.
pub(super) struct Levels<'a> {
    sieve: Sieve<'a>,
    cancel: &'a CancelFlag,
    recent: RecentOids,
    /// What was met and not read.
    level: Frontier,
}

impl<'a> Levels<'a> {
    pub(super) fn new(sieve: Sieve<'a>, cancel: &'a CancelFlag) -> Self {
        let level = Frontier::new(sieve.db().ordinal_count());
        Self { sieve, cancel, recent: RecentOids::new(), level }
    }

    /// Add what was asked for by name, if it is a tree.
    pub(super) fn add_named(&mut self, content: Ordinal) -> Result<()> {
        if self.sieve.db().kind_of(content)? == Kind::Tree { self.add_root(content) } else { Ok(()) }
    }

    pub(super) fn add_root(&mut self, tree: Ordinal) -> Result<()> {
        if self.sieve.meet(tree, Kind::Tree)? {
            self.level.push(tree);
        }
        Ok(())
    }

    /// Read the trees asked for by name, if it matters that they come before the root trees.
    pub(super) fn enter_named(&mut self, depth: Option<u32>) -> Result<()> {
        if depth.is_some() { self.descend().map(|_| ()) } else { Ok(()) }
    }

    /// Walk all that is less deep than `depth`, which is not 0. Returns what passes.
    pub(super) fn run(mut self, depth: Option<u32>) -> Result<BitSet> {
        match depth {
            // Going down at once keeps trees that are deltas of each other together.
            None => {
                while let Some(tree) = self.level.pop() {
                    self.enter(tree)?
                }
            }
            Some(depth) => {
                for _ in 1..depth {
                    if !self.descend()? {
                        break;
                    }
                }
            }
        }
        Ok(self.sieve.into_kept())
    }

    /// Read all trees of a level. Returns whether there were any.
    fn descend(&mut self) -> Result<bool> {
        let next = Frontier::new(self.sieve.db().ordinal_count());
        let mut level = std::mem::replace(&mut self.level, next);
        let mut is_any = false;
        while let Some(tree) = level.pop() {
            self.enter(tree)?;
            is_any = true;
        }
        Ok(is_any)
    }

    fn enter(&mut self, tree: Ordinal) -> Result<()> {
        self.cancel.check()?;
        let db = self.sieve.db();
        let content = read_tree(db, tree)?;
        let entries = for_each_entry(db.format(), &content, |kind, _, raw| {
            if !self.sieve.wants(kind) || self.recent.get(raw).is_some() { Ok(()) } else { self.edge(tree, kind, raw) }
        });
        entries.map_err(|error| named(db, tree, error))
    }

    fn edge(&mut self, from: Ordinal, kind: Kind, raw: &[u8]) -> Result<()> {
        let target = require_edge(self.sieve.db(), from, &Oid::from_bytes(raw)?)?;
        self.recent.add(raw, ());
        if self.sieve.meet(target, kind)? && kind == Kind::Tree {
            self.level.push(target);
        }
        Ok(())
    }
}

/// The content of a tree.
pub(super) fn read_tree(db: &Database, tree: Ordinal) -> Result<Content> {
    match db.read(tree, db.limits().max_object_bytes)? {
        (Kind::Tree, content) => Ok(content),
        (kind, _) => {
            Err(Error::CorruptObject { oid: Some(db.oid_of(tree)), what: format!("a {kind} where a tree is needed") })
        }
    }
}
