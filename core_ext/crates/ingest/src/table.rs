//! The finished table of a pack's objects, sorted by id.

use crate::entries::Entries;
use crate::names::Names;
use packhouse_object::{Error, Kind, ObjectFormat, Result};
use packhouse_pack::IndexBuilder;

/// Marks the kind of an object that was not sent: the base of a thin delta.
const THIN_BASE: u8 = 0x80;

/// The kinds of a pack's objects by position in its idx. Memory: a byte an object.
pub(crate) struct Kinds(Vec<u8>);

impl Kinds {
    pub fn kind(&self, position: u32) -> Option<Kind> {
        self.0.get(position as usize).and_then(|&byte| Kind::from_number(byte & !THIN_BASE))
    }

    /// Whether the object was sent, and not added as the base of a thin delta.
    pub fn is_own(&self, position: u32) -> bool {
        self.0.get(position as usize).is_some_and(|&byte| byte & THIN_BASE == 0)
    }
}

/// Sort the objects of a pack by id. Entries from `own_count` on are thin bases.
///
/// Errors: `CorruptPack` if an object is there twice, or a delta was not resolved.
pub(crate) fn sort(
    entries: &Entries,
    names: &Names,
    own_count: u32,
    format: ObjectFormat,
) -> Result<(IndexBuilder, Kinds)> {
    let order = names.sorted();
    if let Some(pair) = order.windows(2).find(|pair| names.raw_oid(pair[0]) == names.raw_oid(pair[1])) {
        let what = format!("object {} is in the pack twice", names.oid(pair[0])?);
        return Err(Error::CorruptPack { offset: entries.offset(pair[0].max(pair[1])), what });
    }
    let mut idx = IndexBuilder::with_capacity(format, entries.len());
    let mut kinds = Vec::with_capacity(order.len());
    for index in order {
        let unresolved =
            || Error::CorruptPack { offset: entries.offset(index), what: "a delta without base".to_owned() };
        let kind = names.kind(index).ok_or_else(unresolved)?;
        idx.push(&names.oid(index)?, entries.offset(index), entries.crc32(index));
        kinds.push(if index < own_count { kind as u8 } else { kind as u8 | THIN_BASE });
    }
    Ok((idx, Kinds(kinds)))
}
