//! Sets of objects.

use packhouse_object::{CancelFlag, Error, Oid};
use packhouse_pack::{BitSet, Database};
use std::sync::Arc;

/// Two sets, or a set and a database, whose ordinals do not mean the same: a mistake of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherDatabase;

impl std::fmt::Display for OtherDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("object sets of different databases")
    }
}

impl std::error::Error for OtherDatabase {}

/// A frozen set of objects of one database: a bit for each ordinal, homes only.
///
/// Sets of a database and of its restricted views mix, because ordinals mean the same in all of them; sets of databases
/// over other packs do not, and `with_pack` makes such a one: there [`ObjectSet::moved_to`] leads.
#[derive(Clone)]
pub struct ObjectSet {
    db: Database,
    bits: Arc<BitSet>,
    count: u32,
}

impl ObjectSet {
    /// The set with these homes.
    ///
    /// # Panics
    /// If `bits` were not made for this database.
    #[must_use]
    pub fn new(db: &Database, bits: impl Into<Arc<BitSet>>) -> Self {
        let bits = bits.into();
        assert_eq!(bits.len(), db.ordinal_count(), "bits of another database");
        let count = bits.count();
        Self { db: db.clone(), bits, count }
    }

    /// How many objects are in the set.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether no object is in the set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The homes in the set.
    #[must_use]
    pub const fn bits(&self) -> &Arc<BitSet> {
        &self.bits
    }

    /// Whether an object is in the set.
    #[must_use]
    pub fn contains(&self, oid: &Oid) -> bool {
        self.db.locate(oid).is_some_and(|home| self.bits.get(home))
    }

    /// A page of the members in the database's order. Cost: O(offset + limit).
    #[must_use]
    pub fn oids(&self, offset: usize, limit: usize) -> Vec<Oid> {
        self.bits.iter().skip(offset).take(limit).map(|home| self.db.oid_of(home)).collect()
    }

    /// The members of either.
    ///
    /// # Errors
    /// `OtherDatabase` if the sets are not of the same database.
    pub fn union(&self, other: &Self) -> Result<Self, OtherDatabase> {
        self.combine(other, BitSet::union)
    }

    /// The members that `other` does not have.
    ///
    /// # Errors
    /// `OtherDatabase` if the sets are not of the same database.
    pub fn minus(&self, other: &Self) -> Result<Self, OtherDatabase> {
        self.combine(other, BitSet::minus)
    }

    /// See that this is a set of `db`.
    ///
    /// # Errors
    /// `OtherDatabase`.
    pub fn check_database(&self, db: &Database) -> Result<(), OtherDatabase> {
        if self.db.shares_ordinals(db) { Ok(()) } else { Err(OtherDatabase) }
    }

    /// The same objects as a set of another database.
    ///
    /// # Errors
    /// As [`Database::homes_moved_from`].
    pub fn moved_to(&self, db: &Database, cancel: &CancelFlag) -> Result<Self, Error> {
        Ok(Self::new(db, db.homes_moved_from(&self.db, &self.bits, cancel)?))
    }

    fn combine(&self, other: &Self, operation: impl Fn(&mut BitSet, &BitSet)) -> Result<Self, OtherDatabase> {
        other.check_database(&self.db)?;
        let mut bits = BitSet::clone(&self.bits);
        operation(&mut bits, &other.bits);
        Ok(Self::new(&self.db, bits))
    }
}
