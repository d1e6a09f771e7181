//! Which object of the same pack a new one most likely resembles: the version before it of the same folder.

use hashbrown::HashMap;

/// Folders whose latest version is remembered; when there are more, all are forgotten.
const MAX_FOLDERS: usize = 1024;

/// Larger trees are no bases: a delta's base stays in memory.
const MAX_BASE_BYTES: usize = 64 << 10;

/// As in packs that Git writes.
const MAX_DEPTH: u32 = 50;

/// A tree that was written, and where.
pub(crate) struct Version {
    pub(crate) content: Vec<u8>,
    /// Where its entry starts, among the entries of the pack to come.
    pub(crate) start: usize,
    pub(crate) depth: u32,
}

/// The latest version of each folder that was written to the pack to come.
#[derive(Default)]
pub(crate) struct Similar {
    versions: HashMap<Vec<u8>, Version>,
}

impl Similar {
    /// A base for a delta, of a chain that is not too long yet.
    pub(crate) fn base_of(&self, tree: &[u8]) -> Option<&Version> {
        self.versions.get(first_name(tree)).filter(|version| version.depth < MAX_DEPTH)
    }

    /// Remember a tree as the latest version of its folder.
    pub(crate) fn put(&mut self, tree: &[u8], start: usize, depth: u32) {
        if tree.len() > MAX_BASE_BYTES {
            return;
        }
        if self.versions.len() >= MAX_FOLDERS {
            self.clear();
        }
        let version = Version { content: tree.to_vec(), start, depth };
        self.versions.insert(first_name(tree).to_vec(), version);
    }

    pub(crate) fn clear(&mut self) {
        self.versions.clear();
    }
}

/// What versions of a folder mostly have in common: how their first entry is called.
fn first_name(tree: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, tree).unwrap_or(0);
    &tree[..end]
}
