//! What a filtered walk has met, and what of it passes.

use super::local::Local;
use packhouse_object::{Kind, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// Remembers the trees and blobs that a walk meets. Object-local terms are asked once for each.
///
/// Memory: two bits for each object of the database.
pub(super) struct Sieve<'a> {
    db: &'a Database,
    /// What counts as met from the start, and is not kept.
    border: Option<&'a BitSet>,
    local: Local,
    met: BitSet,
    left_out: BitSet,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(db: &'a Database, border: Option<&'a BitSet>, local: Local) -> Self {
        let bits = || BitSet::new(db.ordinal_count());
        Self { db, border, local, met: bits(), left_out: bits() }
    }

    pub(super) const fn db(&self) -> &'a Database {
        self.db
    }

    /// Whether objects of a kind are worth to be looked at: blobs need not be looked up if none of them passes.
    pub(super) fn wants(&self, kind: Kind) -> bool {
        kind == Kind::Tree || self.local.lets(kind)
    }

    pub(super) fn is_border(&self, ordinal: Ordinal) -> bool {
        self.border.is_some_and(|border| border.get(ordinal))
    }

    /// Meet an object. Returns whether it is new.
    pub(super) fn meet(&mut self, ordinal: Ordinal, kind: Kind) -> Result<bool> {
        if self.is_border(ordinal) || !self.met.insert(ordinal) {
            return Ok(false);
        }
        if !self.local.lets_object(self.db, ordinal, kind)? {
            self.left_out.insert(ordinal);
        }
        Ok(true)
    }

    /// What was met and passes.
    pub(super) fn into_kept(mut self) -> BitSet {
        self.met.minus(&self.left_out);
        self.met
    }
}
