//! What is known of each path while trees are merged.

use packhouse_object::{Error, Oid, Result};
use std::collections::HashMap;
use std::rc::Rc;

/// A path from the root, its names joined by `/`; the root itself is empty.
pub(crate) type Path = Rc<[u8]>;

/// The index of the base among the three versions of a path; the sides have 1 and 2.
pub(crate) const BASE: usize = 0;
pub(crate) const OURS: usize = 1;
pub(crate) const THEIRS: usize = 2;

pub(crate) const TREE: u32 = 0o040_000;
pub(crate) const REGULAR: u32 = 0o100_000;
pub(crate) const SUBMODULE: u32 = 0o160_000;

/// The bit of a version in a mask.
pub(crate) const fn bit(side: usize) -> u8 {
    1 << side
}

/// The other one of the two sides.
pub(crate) const fn other(side: usize) -> usize {
    3 - side
}

/// What a tree says of one of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// One of the modes that Git writes.
    pub(crate) mode: u32,
    pub(crate) oid: Oid,
}

impl Version {
    /// The mode's kind: one of the constants above.
    pub(crate) const fn kind(self) -> u32 {
        self.mode & 0o170_000
    }
}

/// The kind of what may not be there; 0 for that.
pub(crate) fn kind(version: Option<Version>) -> u32 {
    version.map_or(0, Version::kind)
}

/// One path: what each of the three trees has there, and what became of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// Nothing is left to be done; `merged` is the result.
    pub(crate) is_clean: bool,
    /// What the merged tree has here.
    pub(crate) merged: Option<Version>,
    /// What base, ours and theirs have; renames move versions between paths.
    pub(crate) versions: [Option<Version>; 3],
    /// Where each version was, if a rename brought it here.
    pub(crate) origins: [Option<Path>; 3],
    /// Which versions are no folders.
    pub(crate) files: u8,
    /// Which versions are folders.
    pub(crate) folders: u8,
    /// Which two versions are the same, or 0.
    pub(crate) same: u8,
    /// A file and a folder contend for the path.
    pub(crate) is_file_in_folders_way: bool,
    /// A rename makes a conflict of it whatever the content says.
    pub(crate) has_path_conflict: bool,
    /// What is below was recorded as well, path by path.
    pub(crate) is_opened: bool,
    /// The kind of a conflict, as far as it is known.
    pub(crate) reason: Option<&'static str>,
}

impl Entry {
    /// An entry whose result is clear.
    pub(crate) fn resolved(merged: Option<Version>) -> Self {
        Self { is_clean: true, merged, ..Self::default() }
    }

    /// Settle that nothing is left here.
    pub(crate) fn remove(&mut self) {
        self.is_clean = true;
        self.merged = None;
    }

    /// Forget the versions that are folders: what stays is about the file.
    pub(crate) fn drop_folders(&mut self) {
        self.same &= !self.folders;
        self.folders = 0;
        for side in BASE..=THEIRS {
            if self.files & bit(side) == 0 {
                self.versions[side] = None;
            }
        }
    }

    /// Note why there is a conflict, unless it is known already.
    pub(crate) fn blame(&mut self, reason: &'static str) {
        self.reason.get_or_insert(reason);
    }
}

/// The number of an entry. An entry may move to another path; its number stays.
pub(crate) type EntryId = usize;

/// All paths that were met.
pub(crate) struct Paths {
    entries: Vec<Entry>,
    by_path: HashMap<Path, EntryId>,
    memory_bytes: u64,
    max_memory_bytes: u64,
}

/// What a path takes beside its bytes: its entry, its place in the table, and what renames note of it.
const BYTES_A_PATH: u64 = 512;

impl Paths {
    pub(crate) fn new(max_memory_bytes: u64) -> Self {
        Self { entries: Vec::new(), by_path: HashMap::new(), memory_bytes: 0, max_memory_bytes }
    }

    pub(crate) fn find(&self, path: &[u8]) -> Option<EntryId> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn contains(&self, path: &[u8]) -> bool {
        self.by_path.contains_key(path)
    }

    pub(crate) fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id]
    }

    pub(crate) fn entry_mut(&mut self, id: EntryId) -> &mut Entry {
        &mut self.entries[id]
    }

    /// Put an entry at a path, in the place of what was there.
    ///
    /// # Errors
    /// `Limit` if all paths together take too much memory.
    pub(crate) fn put(&mut self, path: &Path, entry: Entry) -> Result<EntryId> {
        self.memory_bytes += path.len() as u64 + BYTES_A_PATH;
        if self.memory_bytes > self.max_memory_bytes {
            let (actual, limit) = (self.memory_bytes, self.max_memory_bytes);
            return Err(Error::Limit { what: "bytes of memory for the paths of a merge", actual, limit });
        }
        self.entries.push(entry);
        self.link(path, self.entries.len() - 1);
        Ok(self.entries.len() - 1)
    }

    /// Let a path lead to an entry.
    pub(crate) fn link(&mut self, path: &Path, id: EntryId) {
        self.by_path.insert(Rc::clone(path), id);
    }

    pub(crate) fn unlink(&mut self, path: &[u8]) {
        self.by_path.remove(path);
    }

    /// All paths so that each folder comes after what is in it.
    pub(crate) fn children_first(&self) -> Vec<(Path, EntryId)> {
        let mut list: Vec<_> = self.by_path.iter().map(|(path, &id)| (Rc::clone(path), id)).collect();
        list.sort_by(|(left, _), (right, _)| right.split(is_slash).cmp(left.split(is_slash)));
        list
    }
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

/// The folder that a path lies in, and its name there.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(is_slash) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

/// A name in a folder, as a path.
pub(crate) fn join(folder: &[u8], name: &[u8]) -> Path {
    if folder.is_empty() { name.into() } else { [folder, b"/", name].concat().into() }
}
