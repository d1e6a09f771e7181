//! The entries of a pack, one by one, for those who keep an account of each: who stores the pack writes its idx, too.
//!
//! A pack that is stored gets hashes of its own, so damage must not pass under them: each stored entry that is used is
//! compared with its CRC-32, and what is compressed again is named again.

use super::answer::Answer;
use super::plan::{Plan, Remaking};
use crate::set::{ObjectSet, OtherDatabase};
use packhouse_object::{Error, Oid, Result};
use packhouse_pack::{Database, Pack};
use std::ops::Range;
use std::sync::Arc;

/// The entries of a self-contained pack of some objects, in their order.
pub struct PackEntries {
    plan: Plan,
}

/// An entry in the two parts of which it consists.
pub struct PackEntry<'a> {
    /// The object.
    pub oid: Oid,
    /// Header and stream: bytes that were made anew, and bytes as they are stored.
    pub parts: [&'a [u8]; 2],
}

impl PackEntries {
    /// The entries of a pack of exactly these objects; what has no usable stored form is compressed at `level`.
    ///
    /// # Errors
    /// `OtherDatabase` if the set is not of `db`.
    pub fn new(db: &Database, objects: &ObjectSet, level: u32) -> std::result::Result<Self, OtherDatabase> {
        objects.check_database(db)?;
        let objects = Arc::clone(objects.bits());
        let answer = Answer { db: db.clone(), objects, client_holds: None, ofs_delta: true };
        Ok(Self { plan: Plan::new(answer, Remaking { level, checks_names: true }) })
    }

    /// Hand the next entry to `write`. Returns whether there was one.
    ///
    /// # Errors
    /// `CorruptPack` for an entry that is damaged; `Limit`; those of `write`.
    pub fn next(&mut self, write: impl FnOnce(PackEntry<'_>) -> Result<()>) -> Result<bool> {
        let Some(part) = self.plan.next_part()? else { return Ok(false) };
        let db = &self.plan.answer().db;
        let (pack, position) = db.pack_and_position(part.ordinal);
        let oid = db.oid_of(part.ordinal);
        if !part.copied.is_empty() {
            check_crc32(pack, position, part.stored)?;
        }
        write(PackEntry { oid, parts: [&part.made, &pack.bytes()[part.copied]] })?;
        Ok(true)
    }
}

fn check_crc32(pack: &Pack, position: u32, stored: Range<usize>) -> Result<()> {
    let offset = stored.start as u64;
    if crc32fast::hash(&pack.bytes()[stored]) == pack.index().crc32_at(position) {
        return Ok(());
    }
    let what = format!("the entry does not match its CRC-32 in the index (pack {})", pack.name());
    Err(Error::CorruptPack { offset, what })
}
