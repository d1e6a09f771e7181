//! Compressing what has no usable stored form.
//!
//! Whether it is still wanted is looked at between the steps of an object: reading, hashing, compressing.

use super::ahead::Make;
use super::answer::Answer;
use packhouse_object::{CancelFlag, Error, Kind, Result, hash_object, zlib};
use packhouse_pack::{Database, EntryHeader, EntryKind, Ordinal};
use std::sync::Arc;

/// How objects are compressed again.
#[derive(Clone, Copy)]
pub(crate) struct Remaking {
    /// libdeflate's level.
    pub(crate) level: u32,
    /// Whether their content is hashed again, because nobody else will.
    pub(crate) checks_names: bool,
    /// Threads that do it, the reader's counted.
    pub(crate) threads: usize,
}

/// Compresses objects of an answer again.
pub(crate) struct Remaker {
    answer: Arc<Answer>,
    remaking: Remaking,
}

impl Remaker {
    pub(crate) const fn new(answer: Arc<Answer>, remaking: Remaking) -> Self {
        Self { answer, remaking }
    }

    fn check(&self, over: &CancelFlag) -> Result<()> {
        self.answer.cancel.check()?;
        over.check()
    }
}

impl Make for Remaker {
    fn size_of(&self, ordinal: Ordinal) -> Result<u64> {
        self.answer.db.size_of(ordinal)
    }

    /// Header and stream.
    fn make(&self, ordinal: Ordinal, over: &CancelFlag) -> Result<Vec<u8>> {
        self.check(over)?;
        let db = &self.answer.db;
        let (kind, content) = db.read(ordinal, db.limits().max_object_bytes)?;
        if self.remaking.checks_names {
            self.check(over)?;
            check_name(db, ordinal, kind, &content)?;
        }
        self.check(over)?;
        let mut bytes = Vec::new();
        EntryHeader::write(EntryKind::Whole(kind), content.len() as u64, &mut bytes);
        bytes.extend_from_slice(&zlib::deflate(&content, self.remaking.level));
        Ok(bytes)
    }
}

fn check_name(db: &Database, ordinal: Ordinal, kind: Kind, content: &[u8]) -> Result<()> {
    let oid = db.oid_of(ordinal);
    if hash_object(db.format(), kind, content)? == oid {
        return Ok(());
    }
    let (pack, offset) = db.pack_and_offset(ordinal);
    let what = format!("the content of {oid} does not hash to its name (pack {})", pack.name());
    Err(Error::CorruptPack { offset, what })
}
