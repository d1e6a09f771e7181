//! Going through three trees at once, and noting what differs.
//!
//! What all three have in common is passed over, whole folders of it. So is a folder that only one side changed, unless a
//! rename may lead into it: it is put off until all that could need renames is known.

use crate::buckets::bucket;
use crate::changes::{Changes, FolderNeed, SourceNeed};
use crate::paths::{BASE, Entry, EntryId, OURS, Path, Paths, THEIRS, TREE, Version, bit, join, other};
use packhouse_gix::Objects;
use packhouse_object::edges::tree_entries;
use packhouse_object::{Error, Kind, Oid, Result};
use std::collections::{HashMap, VecDeque};

/// Folders in folders, as Git's `core.maxTreeDepth` has it.
const MAX_DEPTH: usize = 2048;
/// The mask of a folder where each file's rename tells where the folder went.
const WHOLE_FOLDER: u8 = 7;

/// A folder to be looked into later, and the mask that held where it was met.
struct PutOff {
    path: Path,
    id: EntryId,
    folder_mask: u8,
}

/// The walk, and what it has found.
pub(crate) struct Walk<'a> {
    objects: &'a Objects<'a>,
    pub(crate) paths: Paths,
    /// What each side did; the first is unused.
    pub(crate) changes: [Changes; 3],
    put_off: [Vec<PutOff>; 3],
    may_put_off: [bool; 3],
    /// Which side still has the folder that the other one removed; 7 once a file was added to it there.
    folder_mask: u8,
    depth: usize,
}

/// The same name in three trees.
type Names = [Option<Version>; 3];

impl<'a> Walk<'a> {
    /// Walk three trees.
    pub(crate) fn run(objects: &'a Objects<'a>, trees: [Oid; 3], max_memory_bytes: u64) -> Result<Self> {
        let mut walk = Self {
            objects,
            paths: Paths::new(max_memory_bytes),
            changes: Default::default(),
            put_off: Default::default(),
            may_put_off: [true; 3],
            folder_mask: 0,
            depth: 0,
        };
        walk.folder(&join(b"", b""), trees.map(Some))?;
        for side in [OURS, THEIRS] {
            walk.open_put_off(side)?;
        }
        Ok(walk)
    }

    /// Settle the folders that were put off, or look into them if a rename may lead there.
    fn open_put_off(&mut self, side: usize) -> Result<()> {
        let settles = self.changes[side].needed_sources.is_empty();
        self.may_put_off[side] = settles;
        let mut folders = std::mem::take(&mut self.put_off[side]);
        folders.reverse();
        folders.sort_by_key(|folder| bucket(&folder.path));
        for folder in folders {
            let entry = self.paths.entry_mut(folder.id);
            if settles {
                settle(entry, side);
                continue;
            }
            entry.same &= entry.files;
            entry.is_opened = true;
            let folders = entry.folders;
            let trees = [BASE, OURS, THEIRS].map(|at| entry.versions[at].filter(|_| folders & bit(at) != 0));
            self.folder_mask = folder.folder_mask;
            self.folder(&folder.path, trees.map(|tree| tree.map(|tree| tree.oid)))?;
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path, trees: [Option<Oid>; 3]) -> Result<()> {
        if self.depth == MAX_DEPTH {
            let (actual, limit) = (MAX_DEPTH as u64 + 1, MAX_DEPTH as u64);
            return Err(Error::Limit { what: "folders in folders", actual, limit });
        }
        self.depth += 1;
        let names = self.read(trees)?;
        if matches!(self.folder_mask, 2 | 4) && names.iter().any(|(_, names)| masks(names).0 == self.folder_mask) {
            self.folder_mask = WHOLE_FOLDER;
        }
        for (name, names) in names {
            self.visit(path, &join(path, &name), names)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// The names of up to three trees, in the order in which Git goes through them.
    fn read(&self, trees: [Option<Oid>; 3]) -> Result<Vec<(Vec<u8>, Names)>> {
        let mut by_name: HashMap<Vec<u8>, Names> = HashMap::new();
        let mut orders: [VecDeque<Vec<u8>>; 3] = Default::default();
        let mut seen: Vec<(Oid, usize)> = Vec::new();
        for side in BASE..=THEIRS {
            let Some(tree) = trees[side] else { continue };
            let first = seen.iter().find(|(oid, _)| *oid == tree).map(|&(_, first)| first);
            if let Some(first) = first {
                by_name.values_mut().for_each(|names| names[side] = names[first]);
                continue;
            }
            seen.push((tree, side));
            for (name, version) in self.read_tree(&tree)? {
                orders[side].push_back(name.clone());
                if by_name.entry(name).or_default()[side].replace(version).is_some() {
                    return Err(duplicate(tree));
                }
            }
        }
        Ok(in_order(by_name, orders))
    }

    fn read_tree(&self, tree: &Oid) -> Result<Vec<(Vec<u8>, Version)>> {
        let content = self.objects.read_kind(tree, Kind::Tree)?;
        let entries = tree_entries(self.objects.db().format(), &content);
        entries
            .map(|entry| {
                let entry = entry?;
                Ok((entry.name.to_vec(), Version { mode: canonical(entry.mode), oid: entry.oid }))
            })
            .collect()
    }

    fn visit(&mut self, folder: &Path, path: &Path, names: Names) -> Result<()> {
        let before = self.folder_mask;
        let (files, folders) = masks(&names);
        let same = same_mask(&names);
        if let Some(merged) = clear_from_the_start(&names, files, same) {
            return self.add(path, Entry::resolved(merged)).map(|_| ());
        }
        self.note_changes(folder, path, &names, same);
        let entry = Entry {
            versions: names,
            files,
            folders,
            same,
            is_file_in_folders_way: files != 0 && folders != 0,
            ..Entry::default()
        };
        let id = self.add(path, entry)?;
        if folders != 0 {
            self.descend(path, id, before)?;
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, entry: Entry) -> Result<EntryId> {
        if self.paths.contains(path) {
            let what = format!("two trees' entries make the one path {}", String::from_utf8_lossy(path));
            return Err(Error::CorruptObject { oid: None, what });
        }
        self.paths.put(path, entry)
    }

    fn descend(&mut self, path: &Path, id: EntryId, before: u8) -> Result<()> {
        let entry = self.paths.entry_mut(id);
        let mut changed_side = match entry.same {
            0b011 => THEIRS,
            0b101 => OURS,
            _ => BASE,
        };
        if entry.files == 0 && matches!(entry.folders, 2 | 4) {
            changed_side = usize::from(entry.folders / 2);
            entry.same = 7 - entry.folders;
        }
        if self.folder_mask != WHOLE_FOLDER && changed_side != BASE && self.may_put_off[changed_side] {
            let put_off = PutOff { path: Path::clone(path), id, folder_mask: self.folder_mask };
            self.put_off[changed_side].push(put_off);
            self.folder_mask = before;
            return Ok(());
        }
        entry.same &= entry.files;
        entry.is_opened = true;
        let (folders, versions) = (entry.folders, entry.versions);
        let trees = [BASE, OURS, THEIRS].map(|at| versions[at].filter(|_| folders & bit(at) != 0).map(|tree| tree.oid));
        self.folder(path, trees)?;
        self.folder_mask = before;
        Ok(())
    }

    /// Note removed folders, deleted and added files: what renames are found among.
    fn note_changes(&mut self, folder: &Path, path: &Path, names: &Names, same: u8) {
        let (files, folders) = masks(names);
        if self.folder_mask != WHOLE_FOLDER && matches!(folders, 3 | 5) {
            self.folder_mask = folders & !1;
        }
        if matches!(folders, 1 | 3 | 5) {
            let need = if self.folder_mask == WHOLE_FOLDER { FolderNeed::Above } else { FolderNeed::None };
            for side in [OURS, THEIRS].into_iter().filter(|&side| folders & bit(side) == 0) {
                self.changes[side].removed_folders.insert(Path::clone(path), need);
            }
        }
        if self.folder_mask == WHOLE_FOLDER && matches!(files, 2 | 4) {
            let side = other(usize::from(files / 2));
            self.changes[side].removed_folders.insert(Path::clone(folder), FolderNeed::Own);
        }
        if files == 0 || files == 7 {
            return;
        }
        for side in [OURS, THEIRS] {
            let (was, is) = (files & 1 != 0, files & bit(side) != 0);
            match (was, is) {
                (true, false) => self.note_deletion(path, names[BASE], side, same & files == 0),
                (false, true) => self.changes[side].add(path, names[side]),
                _ => {}
            }
        }
    }

    fn note_deletion(&mut self, path: &Path, was: Option<Version>, side: usize, is_changed: bool) {
        let need = if is_changed {
            Some(SourceNeed::Content)
        } else {
            (self.folder_mask == WHOLE_FOLDER).then_some(SourceNeed::Location)
        };
        self.changes[side].delete(path, was, need);
    }
}

/// Take the side that changed a folder as the result.
fn settle(entry: &mut Entry, side: usize) {
    entry.merged = entry.versions[side];
    entry.folders &= !entry.same;
    entry.files &= !entry.same;
    entry.same = 0;
    entry.is_clean = !entry.is_file_in_folders_way || entry.folders != 0;
    entry.is_file_in_folders_way = false;
}

/// The result of a path that no rename can change: `Some(None)` cannot be, since something is there.
fn clear_from_the_start(names: &Names, files: u8, same: u8) -> Option<Option<Version>> {
    match (same, files) {
        (7, _) => Some(names[BASE]),
        (3, 7) => Some(names[THEIRS]),
        (5 | 6, 7) => Some(names[OURS]),
        _ => None,
    }
}

/// The masks of the versions that are files (or links, or submodules), and of those that are folders.
fn masks(names: &Names) -> (u8, u8) {
    let mut masks = (0, 0);
    for (side, version) in names.iter().enumerate() {
        match version {
            Some(version) if version.mode == TREE => masks.1 |= bit(side),
            Some(_) => masks.0 |= bit(side),
            None => {}
        }
    }
    masks
}

fn same_mask(names: &Names) -> u8 {
    let equal = |left: usize, right: usize| names[left].is_some() && names[left] == names[right];
    match (equal(BASE, OURS), equal(BASE, THEIRS), equal(OURS, THEIRS)) {
        (true, true, _) => 7,
        (true, ..) => 3,
        (_, true, _) => 5,
        (_, _, true) => 6,
        _ => 0,
    }
}

/// The mode that Git would write for one that it reads.
const fn canonical(mode: u32) -> u32 {
    match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => 0o100_755,
        0o100_000 => 0o100_644,
        0o120_000 => 0o120_000,
        0o040_000 => TREE,
        _ => 0o160_000,
    }
}

/// Names as a walk over the trees meets them: of those that come next in any of them, the least.
fn in_order(mut by_name: HashMap<Vec<u8>, Names>, mut orders: [VecDeque<Vec<u8>>; 3]) -> Vec<(Vec<u8>, Names)> {
    let mut list = Vec::with_capacity(by_name.len());
    loop {
        for order in &mut orders {
            while order.front().is_some_and(|name| !by_name.contains_key(name)) {
                order.pop_front();
            }
        }
        let Some(next) = orders.iter().filter_map(VecDeque::front).min().cloned() else { return list };
        list.extend(by_name.remove_entry(&next));
    }
}

fn duplicate(tree: Oid) -> Error {
    Error::CorruptObject { oid: Some(tree), what: "a tree with two entries of the same name".to_owned() }
}
