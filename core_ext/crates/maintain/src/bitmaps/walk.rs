//! Going into trees for what is new in them, and remembering where it was met.

use packhouse_graph::{Recent, for_each_entry};
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Pack};

/// A walk over the trees of a pack. Objects are numbered by their *rank*, their place in the pack.
pub(super) struct TreeWalk<'a> {
    db: &'a Database,
    pack: &'a Pack,
    order: &'a [u32],
    rank_of: Vec<u32>,
    recent: Recent<u32>,
    names: Vec<u32>,
    /// Trees that were met and not read, and the hash of the path in front of what they hold.
    waiting: Vec<(u32, u32)>,
}

impl<'a> TreeWalk<'a> {
    pub(super) fn new(db: &'a Database, pack: &'a Pack) -> Result<Self> {
        let order = pack.pack_order()?;
        let mut rank_of = vec![0; order.len()];
        (0u32..).zip(order).for_each(|(rank, &position)| rank_of[position as usize] = rank);
        let (recent, names) = (Recent::new(), vec![0; order.len()]);
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
        if kind != Kind::Tree {
            let what = format!("a {kind} where a tree is needed");
            return Err(Error::CorruptObject { oid: Some(self.db.oid_of(position)), what });
        }
        for_each_entry(self.db.format(), &content, |kind, name, raw| {
            let rank = self.find(raw, position)?;
            if reached.insert(rank) {
                self.meet(rank, kind, hashed(path_hash, name));
            }
            Ok(())
        })
        .map_err(|error| named(self.db.oid_of(position), error))
    }

    fn meet(&mut self, rank: u32, kind: Kind, path_hash: u32) {
        let name = &mut self.names[rank as usize];
        if *name == 0 {
            *name = path_hash;
        }
        if kind == Kind::Tree {
            self.waiting.push((rank, hashed(path_hash, b"/")));
        }
    }

    /// The rank of an object.
    fn find(&mut self, raw: &[u8], from: u32) -> Result<u32> {
        if let Some(rank) = self.recent.get(raw) {
            return Ok(rank);
        }
        let oid = Oid::from_bytes(raw)?;
        let missing = || Error::MissingEdge { oid, from: self.db.oid_of(from) };
        let rank = self.rank_of[self.pack.index().find(&oid).ok_or_else(missing)? as usize];
        self.recent.add(raw, rank);
        Ok(rank)
    }
}

/// Say of a tree that does not parse which one it is.
fn named(oid: Oid, error: Error) -> Error {
    match error {
        Error::CorruptObject { oid: None, what } => Error::CorruptObject { oid: Some(oid), what },
        other => other,
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
