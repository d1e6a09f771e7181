//! Checking stored packs in full.

use crate::{Database, Pack};
use packhouse_object::{CancelFlag, Hasher, Oid, Result, hash_object};

/// How much is hashed between two looks at the flag.
const STEP_BYTES: usize = 1 << 20;

impl Database {
    /// Check the trailer of each pack and of its idx, each entry's CRC-32, and that each object hashes to its name.
    ///
    /// All that the packs hold is checked, also what a restriction hides. Returns how many objects were read.
    ///
    /// # Errors
    /// The first damage; `Cancelled`.
    pub fn verify(&self, cancel: &CancelFlag) -> Result<u64> {
        for pack in self.packs() {
            check_trailer(pack.bytes(), pack, cancel)?
                .then_some(())
                .ok_or_else(|| pack.corrupt(pack.bytes().len() as u64, "the trailer is not the hash of the pack"))?;
            check_trailer(pack.index().bytes(), pack, cancel)?
                .then_some(())
                .ok_or_else(|| pack.corrupt_index("the trailer is not the hash of the index"))?;
            for &position in pack.pack_order()? {
                cancel.check()?;
                self.verify_entry(pack, position)?;
            }
        }
        Ok(self.packs().iter().map(|pack| u64::from(pack.len())).sum())
    }

    fn verify_entry(&self, pack: &Pack, position: u32) -> Result<()> {
        let offset = pack.index().offset_at(position);
        if crc32fast::hash(pack.entry_bytes(offset)?) != pack.index().crc32_at(position) {
            return Err(pack.corrupt(offset, "the entry does not match its CRC-32 in the index"));
        }
        let (kind, content) = self.read_at(pack, offset, u64::MAX)?;
        let oid = Oid::from_bytes(pack.index().oid_at(position))?;
        if hash_object(self.format(), kind, &content)? != oid {
            return Err(pack.corrupt(offset, &format!("the content of {oid} does not hash to its name")));
        }
        Ok(())
    }
}

fn check_trailer(bytes: &[u8], pack: &Pack, cancel: &CancelFlag) -> Result<bool> {
    let (content, trailer) = bytes.split_at(bytes.len() - pack.format().oid_len());
    let mut hasher = Hasher::unchecked(pack.format());
    for step in content.chunks(STEP_BYTES) {
        cancel.check()?;
        hasher.update(step);
    }
    Ok(hasher.finish()?.as_bytes() == trailer)
}
