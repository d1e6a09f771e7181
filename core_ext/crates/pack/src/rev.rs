//! The reverse index, `.rev` version 1 (gitformat-pack(5)): index positions in the order of the pack.

use crate::derived::HashedWriter;
use packhouse_object::{Error, ObjectFormat, Result};

const MAGIC: &[u8; 4] = b"RIDX";
const VERSION: u32 = 1;
const HEADER_LEN: usize = 12;

/// The rev file of a pack.
///
/// order: the position in the idx of each entry, in the order of the pack.
///
/// # Errors
/// None that depends on the arguments; hashing shares its signature with checked hashes.
pub fn write_rev(format: ObjectFormat, order: &[u32], pack_trailer: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + order.len() * 4 + 2 * format.oid_len());
    let mut out = HashedWriter::new(format, &mut bytes);
    out.put(MAGIC)?;
    out.put(&VERSION.to_be_bytes())?;
    out.put(&u32::from(format.hash_id()).to_be_bytes())?;
    order.iter().try_for_each(|position| out.put(&position.to_be_bytes()))?;
    out.put(pack_trailer)?;
    out.finish()?;
    Ok(bytes)
}

/// The order that a rev file holds. The caller checks that it orders the offsets of its index.
///
/// # Errors
/// `CorruptIndex` if the file is not a rev of `object_count` objects of the pack that ends with `pack_trailer`.
pub(crate) fn read_rev(format: ObjectFormat, rev: &[u8], object_count: u32, pack_trailer: &[u8]) -> Result<Vec<u32>> {
    let corrupt = |what: &str| Error::CorruptIndex { what: format!("reverse index: {what}") };
    let table_end = HEADER_LEN + object_count as usize * 4;
    if rev.len() != table_end + 2 * format.oid_len() {
        return Err(corrupt(&format!("{} bytes do not fit {object_count} objects", rev.len())));
    }
    let expected = [&MAGIC[..], &VERSION.to_be_bytes(), &u32::from(format.hash_id()).to_be_bytes()].concat();
    if rev.get(..HEADER_LEN) != Some(&expected[..]) {
        return Err(corrupt("unknown signature, version or hash function"));
    }
    if rev.get(table_end..table_end + format.oid_len()) != Some(pack_trailer) {
        return Err(corrupt("made for another pack"));
    }
    let table = rev.get(HEADER_LEN..table_end).unwrap_or_default();
    Ok(table.as_chunks::<4>().0.iter().map(|&bytes| u32::from_be_bytes(bytes)).collect())
}
