//! The entries of a pack, one by one, for those who keep an account of each: who stores the pack writes its idx, too.
//!
//! A pack that is stored gets hashes of its own, so damage must not pass under them: each stored entry that is used is
//! compared with its CRC-32, and what is compressed again is named again.

use super::answer::Answer;
use super::assembly::{Assembled, Assembly, Part};
use super::remake::Remaking;
use crate::set::{ObjectSet, OtherDatabase};
use packhouse_object::{CancelFlag, Error, Oid, Result};
use packhouse_pack::{Database, Pack};
use std::ops::Range;
use std::sync::Arc;

/// A pack that is stored is read for years: its chains, where they go through several packs, end at what `git repack` allows.
const MAX_STORED_CHAIN_DEPTH: u16 = 50;

/// The entries of a self-contained pack of some objects, in their order.
pub struct PackEntries {
    assembly: Assembly,
    cancel: CancelFlag,
}

/// An entry in the two parts of which it consists.
pub struct PackEntry<'a> {
    /// The object.
    pub oid: Oid,
    /// Header and stream: bytes that were made anew, and bytes as they are stored.
    pub parts: [&'a [u8]; 2],
}

impl PackEntries {
    /// The entries of a pack of exactly these objects. What has no usable stored form is compressed at `level`, by so many
    /// threads, the caller's counted.
    ///
    /// # Errors
    /// `OtherDatabase` if the set is not of `db`.
    pub fn new(
        db: &Database,
        objects: &ObjectSet,
        level: u32,
        threads: usize,
        cancel: CancelFlag,
    ) -> std::result::Result<Self, OtherDatabase> {
        objects.check_database(db)?;
        let objects = Arc::clone(objects.bits());
        let answer = Answer {
            db: db.clone(),
            objects,
            client_holds: None,
            ofs_delta: true,
            max_chain_depth: MAX_STORED_CHAIN_DEPTH,
            cancel: cancel.clone(),
        };
        let assembly = Assembly::new(answer, Remaking { level, checks_names: true, threads });
        Ok(Self { assembly, cancel })
    }

    /// Hand all entries to `write`.
    ///
    /// # Errors
    /// `CorruptPack` for an entry that is damaged; `Limit`; `Cancelled`; those of `write`.
    pub fn try_for_each(mut self, mut write: impl FnMut(PackEntry<'_>) -> Result<()>) -> Result<()> {
        while let Some(assembled) = self.assembly.next()? {
            match assembled {
                Assembled::Run(number, ranks, _) => self.each_of_run(number, ranks, &mut write)?,
                Assembled::Entry(number, part) => self.entry(number, &part, &mut write)?,
            }
        }
        Ok(())
    }

    fn each_of_run(
        &self,
        number: usize,
        ranks: Range<usize>,
        write: &mut impl FnMut(PackEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        let pack = self.assembly.pack(number);
        for &position in &pack.pack_order()?[ranks] {
            self.cancel.check()?;
            let offset = pack.index().offset_at(position);
            let stored = pack.entry_bytes(offset)?;
            check_crc32(pack, position, offset, stored)?;
            write(PackEntry { oid: Oid::from_bytes(pack.index().oid_at(position))?, parts: [&[], stored] })?;
        }
        Ok(())
    }

    fn entry(&self, number: usize, part: &Part, write: &mut impl FnMut(PackEntry<'_>) -> Result<()>) -> Result<()> {
        self.cancel.check()?;
        let (db, pack) = (&self.assembly.answer().db, self.assembly.pack(number));
        if !part.copied.is_empty() {
            let position = part.ordinal - db.first_ordinal(number);
            check_crc32(pack, position, part.stored.start as u64, &pack.bytes()[part.stored.clone()])?;
        }
        write(PackEntry { oid: db.oid_of(part.ordinal), parts: [&part.made, &pack.bytes()[part.copied.clone()]] })
    }
}

fn check_crc32(pack: &Pack, position: u32, offset: u64, stored: &[u8]) -> Result<()> {
    if crc32fast::hash(stored) == pack.index().crc32_at(position) {
        return Ok(());
    }
    let what = format!("the entry does not match its CRC-32 in the index (pack {})", pack.name());
    Err(Error::CorruptPack { offset, what })
}
