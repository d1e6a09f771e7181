//! Which trees a sparse filter has been through, and by which path.

use packhouse_pack::{BitSet, Ordinal};
use sha2::{Digest as _, Sha256};

/// 1 MiB of slots: no thrashing in a checkout of so many folders.
const SLOTS: usize = 1 << 16;

/// The first half of a digest.
type Slot = [u8; 16];

/// Trees that need not be entered again.
///
/// Where no pattern looks at the path any more, what lies in a tree is decided by the tree and by what it inherits: a bit
/// each, and nothing is entered twice. Elsewhere it takes the path, too. Of those pairs some are kept: forgetting one costs
/// time, taking one for another would lose objects, and it is strangers who choose the paths. Hence a digest.
pub(super) struct Visited {
    by_inherited: [BitSet; 2],
    by_path: Vec<Slot>,
}

impl Visited {
    pub(super) fn new(ordinal_count: u32) -> Self {
        let bits = || BitSet::new(ordinal_count);
        Self { by_inherited: [bits(), bits()], by_path: vec![[0; 16]; SLOTS] }
    }

    /// Remember a tree under any path. Returns whether it is new.
    pub(super) fn insert(&mut self, tree: Ordinal, inherited: bool) -> bool {
        self.by_inherited[usize::from(inherited)].insert(tree)
    }

    /// Remember a tree under one path. Returns whether it is new, or was forgotten.
    pub(super) fn insert_path(&mut self, tree: Ordinal, inherited: bool, path: &[u8]) -> bool {
        let digest = Sha256::new()
            .chain_update(tree.to_le_bytes())
            .chain_update([inherited.into()])
            .chain_update(path)
            .finalize();
        let slot = *digest.first_chunk().unwrap_or(&[0; 16]);
        let place = usize::from(u16::from_le_bytes([slot[0], slot[1]]));
        std::mem::replace(&mut self.by_path[place % SLOTS], slot) != slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_known_by_what_it_inherits_or_by_its_path() {
        let mut visited = Visited::new(10);
        assert!(visited.insert(1, true) && visited.insert(1, false) && !visited.insert(1, true));
        assert!(visited.insert_path(1, true, b"a") && !visited.insert_path(1, true, b"a"));
        assert!(
            visited.insert_path(1, false, b"a")
                && visited.insert_path(1, true, b"b")
                && visited.insert_path(2, true, b"a")
        );
    }

    #[test]
    fn what_is_forgotten_is_new_again_and_never_another() {
        let mut visited = Visited::new(1);
        let paths: Vec<_> = (0..2 * SLOTS).map(|number| number.to_string()).collect();
        assert!(paths.iter().all(|path| visited.insert_path(0, true, path.as_bytes())));
        assert_eq!(visited.by_path.len(), SLOTS);
    }
}
