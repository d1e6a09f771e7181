//! Renames of folders: what one side adds to a folder that the other side moved is put where the folder went, as a conflict.
//!
//! A folder that a side has no more went where most of its renamed files went.

use crate::changes::Addition;
use crate::folder_moves::FolderMoves;
use crate::paths::{BASE, Entry, Path, Paths, THEIRS, bit, join, split};
use packhouse_object::Result;
use std::collections::HashMap;

/// From the folders that a side removed to where they went.
pub(crate) type FolderRenames = HashMap<Path, Path>;

/// A path in conflict, and the kind of the conflict.
pub(crate) type PathConflict = (Path, &'static str);

/// Conflicts about where something is to go; there need be nothing at their paths.
pub(crate) const SPLIT: &str = "directory rename split";
pub(crate) const COLLISION: &str = "implicit directory rename";

/// Decide where each folder went. One whose files went to several places equally is a conflict.
pub(crate) fn renamed_folders(moves: &FolderMoves, conflicts: &mut Vec<PathConflict>) -> FolderRenames {
    let mut renames = FolderRenames::new();
    for (folder, moves) in moves {
        let Some(most) = moves.known().map(|(_, count)| *count).max() else { continue };
        let mut best = moves.known().filter(|(_, count)| *count == most);
        match (best.next(), best.next()) {
            (Some((to, _)), None) => _ = renames.insert(Path::clone(folder), Path::clone(to)),
            _ => conflicts.push((Path::clone(folder), SPLIT)),
        }
    }
    renames
}

/// A folder that both sides renamed is left to its files.
pub(crate) fn drop_common(left: &mut FolderRenames, right: &mut FolderRenames) {
    left.retain(|folder, _| right.remove(folder).is_none());
}

/// Of the paths that would be moved to a new one: all of them, and whether that was told.
#[derive(Default)]
struct Collision {
    sources: Vec<Path>,
    was_told: bool,
}

/// Additions of one side, seen under the folder renames of the other.
pub(crate) struct Relocation<'r> {
    renames: &'r FolderRenames,
    /// The side's own renames: nothing is moved into a folder that the side moved itself.
    own: &'r FolderRenames,
    collisions: HashMap<Path, Collision>,
}

impl<'r> Relocation<'r> {
    pub(crate) fn new(additions: &[Addition], renames: &'r FolderRenames, own: &'r FolderRenames) -> Self {
        let mut collisions: HashMap<Path, Collision> = HashMap::new();
        for addition in additions {
            let path = &addition.file.path;
            if let Some((from, to)) = rename_above(path, renames) {
                collisions.entry(moved(path, from, to)).or_default().sources.push(Path::clone(path));
            }
        }
        Self { renames, own, collisions }
    }

    /// Whether something would be moved to a path.
    pub(crate) fn leads_to(&self, path: &Path) -> bool {
        self.collisions.contains_key(path)
    }

    /// Where an addition is to go; `None` if it stays. What is in the way is a conflict.
    pub(crate) fn target(
        &mut self,
        addition: &Addition,
        side: usize,
        other: &Self,
        paths: &Paths,
        conflicts: &mut Vec<PathConflict>,
    ) -> Option<Path> {
        let path = &addition.file.path;
        if self.renames.is_empty() || other.leads_to(path) {
            return None;
        }
        let (from, to) = rename_above(path, self.renames)?;
        if self.own.contains_key(to) {
            return None;
        }
        let new = moved(path, from, to);
        let source = addition.source.as_ref().map_or(path, |source| &source.path);
        let is_occupied = is_in_way(paths, &new, side, source);
        let collision = self.collisions.entry(Path::clone(&new)).or_default();
        if !collision.was_told && !is_occupied && collision.sources.len() < 2 {
            return Some(new);
        }
        collision.was_told = true;
        conflicts.push((new, COLLISION));
        None
    }
}

/// The renamed folder that a path lies in, and where it went; the innermost one counts.
fn rename_above<'r>(path: &[u8], renames: &'r FolderRenames) -> Option<(&'r Path, &'r Path)> {
    let mut folder = split(path).0;
    while !folder.is_empty() {
        if let Some(found) = renames.get_key_value(folder) {
            return Some(found);
        }
        folder = split(folder).0;
    }
    None
}

fn moved(path: &[u8], from: &[u8], to: &[u8]) -> Path {
    join(to, &path[from.len() + 1..])
}

fn is_in_way(paths: &Paths, new: &[u8], side: usize, source: &[u8]) -> bool {
    let Some(entry) = paths.find(new).map(|id| paths.entry(id)) else { return false };
    let is_others_source = entry.files & bit(BASE) != 0 && source != new;
    entry.is_clean || (entry.files | entry.folders) & bit(side) != 0 || is_others_source
}

/// Move what is known of an added file to where its folder went.
pub(crate) fn relocate(paths: &mut Paths, old: &Path, new: &Path) -> Result<()> {
    let Some(id) = paths.find(old) else { return Ok(()) };
    let mut file = paths.entry(id).clone();
    insert_folders(paths, new, file.files)?;
    if file.folders == 0 {
        paths.unlink(old);
    } else {
        leave_folder(paths.entry_mut(id));
        file.drop_folders();
        file.is_opened = false;
    }
    file.is_file_in_folders_way &= file.folders != 0;
    let side = usize::from(file.files >> 1);
    let target = match paths.find(new) {
        None => paths.put(new, file)?,
        Some(target) => {
            let entry = paths.entry_mut(target);
            entry.files |= file.files;
            entry.is_file_in_folders_way |= entry.folders != 0;
            entry.origins[side] = Some(file.origins[side].clone().unwrap_or_else(|| Path::clone(old)));
            entry.versions[side] = file.versions[side];
            target
        }
    };
    let entry = paths.entry_mut(target);
    entry.origins[side].get_or_insert_with(|| Path::clone(old));
    entry.has_path_conflict = true;
    entry.blame("file location");
    Ok(())
}

/// Of a path that was a file and a folder, only the folder is left.
fn leave_folder(entry: &mut Entry) {
    entry.files = 0;
    entry.is_clean = true;
    for side in BASE..=THEIRS {
        if entry.folders & bit(side) == 0 {
            entry.versions[side] = None;
        }
    }
}

/// Make the folders above a path known.
fn insert_folders(paths: &mut Paths, path: &[u8], mask: u8) -> Result<()> {
    let mut folder = split(path).0;
    while !folder.is_empty() && !paths.contains(folder) {
        let entry = Entry { folders: mask, is_opened: true, ..Entry::default() };
        paths.put(&folder.into(), entry)?;
        folder = split(folder).0;
    }
    Ok(())
}
