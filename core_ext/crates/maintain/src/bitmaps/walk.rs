//! Going into trees for what is new in them, and remembering where it was met.

use packhouse_object::edges::tree_entries;
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Pack};

/// Slots of the cache of ranks: 1.5 MiB.
const SLOTS: usize = 1 << 15;

/// A walk over the trees of a pack. Objects are numbered by their *rank*, their place in the pack.
pub(super) struct TreeWalk<'a> {
    db: &'a Database,
    pack: &'a Pack,
    order: &'a [u32],
    rank_of: Vec<u32>,
    recent: Vec<(u32, [u8; 32])>,
    names: Vec<u32>,
    /// Trees that were met and not read, and the hash of the path in front of what they hold.
    waiting: Vec<(u32, u32)>,
}

impl<'a> TreeWalk<'a> {
    pub(super) fn new(db: &'a Database, pack: &'a Pack) -> Result<Self> {
        let order = pack.pack_order()?;
        let mut rank_of = vec![0; order.len()];
        (0u32..).zip(order).for_each(|(rank, &position)| rank_of[position as usize] = rank);
        let (recent, names) = (vec![(u32::MAX, [0; 32]); SLOTS], vec![0; order.len()]);
        Ok(Self { db, pack, order, rank_of, recent, names, waiting: Vec::new() })
    }

    pub(super) fn rank_of(&self, position: u32) -> u32 {
        self.rank_of[position as usize]
    }

    /// Git's hash of the path by which each object was met first; 0 for what has none.
    pub(super) fn into_names(self) -> Vec<u32> {
        self.names
    }

    /// Add a root tree, by its position, with all that it holds. What is in `reached` is there with all that it holds.
    pub(super) fn add(&mut self, root: u32, reached: &mut BitSet, cancel: &CancelFlag) -> Result<()> {
        let root = self.rank_of(root);
        if reached.insert(root) {
            self.waiting.push((root, 0));
        }
        while let Some((tree, path_hash)) = self.waiting.pop() {
            cancel.check()?;
            self.enter(tree, path_hash, reached)?;
        }
        Ok(())
    }

    fn enter(&mut self, tree: u32, path_hash: u32, reached: &mut BitSet) -> Result<()> {
        let position = self.order[tree as usize];
        let (kind, content) = self.db.read(position, self.db.limits().max_object_bytes)?;
        let corrupt = |what: String| Error::CorruptObject { oid: Some(self.db.oid_of(position)), what };
        if kind != Kind::Tree {
            return Err(corrupt(format!("a {kind} where a tree is needed")));
        }
        for entry in tree_entries(self.db.format(), &content) {
            let entry = entry.map_err(|error| corrupt(error.to_string()))?;
            let Some(kind) = entry.kind() else { continue };
            let rank = self.find(&entry.oid, position)?;
            if !reached.insert(rank) {
                continue;
            }
            let hash = hashed(path_hash, entry.name);
            if self.names[rank as usize] == 0 {
                self.names[rank as usize] = hash;
            }
            if kind == Kind::Tree {
                self.waiting.push((rank, hashed(hash, b"/")));
            }
        }
        Ok(())
    }

    /// The rank of an object. Most entries of a tree stood in the version before it, too: a slot is cheaper than the idx.
    fn find(&mut self, oid: &Oid, from: u32) -> Result<u32> {
        let raw = oid.as_bytes();
        let slot = &mut self.recent[usize::from(u16::from_le_bytes([raw[2], raw[3]])) % SLOTS];
        if slot.0 != u32::MAX && slot.1[..raw.len()] == *raw {
            return Ok(slot.0);
        }
        let missing = || Error::MissingEdge { oid: *oid, from: self.db.oid_of(from) };
        let rank = self.rank_of[self.pack.index().find(oid).ok_or_else(missing)? as usize];
        slot.0 = rank;
        slot.1[..raw.len()].copy_from_slice(raw);
        Ok(rank)
    }
}

/// Git's `pack_name_hash`, continued: the last sixteen characters count, the last of them most.
fn hashed(start: u32, name: &[u8]) -> u32 {
    let visible = name.iter().filter(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'));
    visible.fold(start, |hash, &byte| (hash >> 2).wrapping_add(u32::from(byte) << 24))
}

#[cfg(test)]
mod tests {
    use super::hashed;

    #[test]
    fn names_hash_as_git_hashes_them() {
        assert_eq!(hashed(0, b""), 0);
        assert_eq!(hashed(0, b"a"), 0x6100_0000);
        assert_eq!(hashed(0, b"a b"), (0x6100_0000 >> 2) + 0x6200_0000);
        assert_eq!(hashed(hashed(0, b"dir/"), b"a"), hashed(0, b"dir/a"));
    }
}
