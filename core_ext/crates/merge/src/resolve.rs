//! The result of each path, once renames have moved what they move.

use crate::content::{ContentMerger, Three};
use crate::folders::PathConflict;
use crate::paths::{BASE, Entry, EntryId, OURS, Path, Paths, REGULAR, THEIRS, Version, bit, kind};
use crate::trees::Trees;
use packhouse_object::{CancelFlag, Result};

/// Settle all paths. Returns the merged tree (`None` for an empty one); what is in conflict is added to `conflicts`.
pub(crate) fn resolve(
    paths: &mut Paths,
    merger: &ContentMerger<'_>,
    cancel: &CancelFlag,
    conflicts: &mut Vec<PathConflict>,
) -> Result<Option<Version>> {
    let mut resolver = Resolver { paths, merger, trees: Trees::new(merger.objects), conflicts };
    for (path, id) in resolver.paths.children_first() {
        cancel.check()?;
        resolver.settle(path, id)?;
    }
    resolver.trees.write(b"")
}

struct Resolver<'r, 'm> {
    paths: &'r mut Paths,
    merger: &'r ContentMerger<'m>,
    trees: Trees<'m>,
    conflicts: &'r mut Vec<PathConflict>,
}

impl Resolver<'_, '_> {
    fn settle(&mut self, path: Path, id: EntryId) -> Result<()> {
        let mut folder = None;
        if self.paths.entry(id).is_opened {
            folder = self.trees.write(&path)?;
            folder.into_iter().for_each(|folder| self.trees.add(&path, folder));
        }
        let entry = self.paths.entry(id);
        if entry.is_clean {
            let merged = entry.merged.filter(|_| folder.is_none());
            merged.into_iter().for_each(|merged| self.trees.add(&path, merged));
            return Ok(());
        }
        if entry.files == 0 {
            return Ok(());
        }
        if folder.is_some() {
            return self.settle_beside_folder(&path, id);
        }
        self.paths.entry_mut(id).drop_folders();
        self.paths.entry_mut(id).is_file_in_folders_way = false;
        self.settle_file(path, id)
    }

    /// The folder stays at the path, and the file goes to one beside it.
    fn settle_beside_folder(&mut self, path: &Path, id: EntryId) -> Result<()> {
        if self.paths.entry(id).files == bit(BASE) {
            return Ok(());
        }
        let mut file = self.paths.entry(id).clone();
        let side = if file.folders & bit(OURS) != 0 { THEIRS } else { OURS };
        file.drop_folders();
        file.blame("file/directory");
        let beside = self.free_path(path, side);
        let file_id = self.paths.put(&beside, file)?;
        self.paths.entry_mut(id).files = 0;
        self.settle_file(beside, file_id)
    }

    /// A path that nothing has, named after one and a side.
    fn free_path(&self, path: &[u8], side: usize) -> Path {
        let name = if side == OURS { &self.merger.names.ours } else { &self.merger.names.theirs };
        let flat: Vec<u8> = name.iter().map(|&byte| if byte == b'/' { b'_' } else { byte }).collect();
        let first = [path, b"~", &flat].concat();
        let more = (0_u64..).map(|number| [&first, format!("_{number}").as_bytes()].concat());
        let mut free = std::iter::once(first.clone()).chain(more).filter(|path| !self.paths.contains(path));
        free.next().unwrap_or_default().into()
    }

    fn settle_file(&mut self, mut path: Path, id: EntryId) -> Result<()> {
        let entry = self.paths.entry(id);
        let is_at_peace = !entry.is_file_in_folders_way && !entry.has_path_conflict;
        let (merged, is_clean) = if entry.same != 0 {
            let merged = self.unmatched(entry);
            (merged, is_at_peace || merged.is_none())
        } else if entry.files >= 6 && kind(entry.versions[OURS]) != kind(entry.versions[THEIRS]) {
            (self.settle_two_kinds(&mut path, id)?, false)
        } else if entry.files >= 6 {
            let (merged, is_clean) = self.merge_content(&path, id)?;
            (merged, is_clean && is_at_peace)
        } else if matches!(entry.files, 3 | 5) {
            (self.keep_modified(id), false)
        } else if matches!(entry.files, 2 | 4) {
            (entry.versions[usize::from(entry.files / 2)], is_at_peace)
        } else {
            (None, !entry.has_path_conflict)
        };
        if !is_clean {
            self.note_conflict(&path, id);
        }
        merged.into_iter().for_each(|merged| self.trees.add(&path, merged));
        Ok(())
    }

    /// The version that is not like the base, or what both sides have.
    fn unmatched(&self, entry: &Entry) -> Option<Version> {
        entry.versions[if entry.same == 3 { THEIRS } else { OURS }]
    }

    fn note_conflict(&mut self, path: &Path, id: EntryId) {
        let entry = self.paths.entry(id);
        if entry.files != 0 {
            self.conflicts.push((Path::clone(path), entry.reason.unwrap_or("content")));
        }
    }

    /// A file, a link and a submodule cannot be at one path: files go to one beside it.
    fn settle_two_kinds(&mut self, path: &mut Path, id: EntryId) -> Result<Option<Version>> {
        if self.merger.depth > 0 {
            return Ok(self.paths.entry(id).versions[BASE]);
        }
        let versions = self.paths.entry(id).versions;
        let moves_ours = kind(versions[OURS]) == REGULAR || kind(versions[THEIRS]) != REGULAR;
        let moves_theirs = kind(versions[OURS]) != REGULAR;
        let our_path = if moves_ours { self.free_path(path, OURS) } else { Path::clone(path) };
        let their_path = if moves_theirs { self.free_path(path, THEIRS) } else { Path::clone(path) };
        let mut theirs = self.paths.entry(id).clone();
        leave_one_side(&mut theirs, THEIRS);
        leave_one_side(self.paths.entry_mut(id), OURS);
        if moves_ours && moves_theirs {
            self.paths.unlink(path);
        }
        self.paths.link(&our_path, id);
        let their_id = self.paths.put(&their_path, theirs)?;
        self.note_conflict(&their_path, their_id);
        versions[THEIRS].into_iter().for_each(|theirs| self.trees.add(&their_path, theirs));
        *path = our_path;
        Ok(versions[OURS])
    }

    fn merge_content(&mut self, path: &Path, id: EntryId) -> Result<(Option<Version>, bool)> {
        let entry = self.paths.entry(id);
        let (Some(ours), Some(theirs)) = (entry.versions[OURS], entry.versions[THEIRS]) else {
            return Ok((None, false));
        };
        let origin = |side: usize| entry.origins[side].as_ref().unwrap_or(path);
        let paths = [origin(BASE), origin(OURS), origin(THEIRS)];
        let three = Three { base: entry.versions[BASE], ours, theirs, paths };
        let content = self.merger.merge(&three, 2 * self.merger.depth)?;
        let (merged, files) = (content.merged, entry.files);
        let entry = self.paths.entry_mut(id);
        if let Some(conflict) = content.conflict {
            let is_add_add = files == 6 && conflict == "content";
            entry.blame(if is_add_add { "add/add" } else { conflict });
        }
        Ok((merged, content.conflict.is_none()))
    }

    /// One side deleted what the other one changed: the change stays, among bases what was there.
    fn keep_modified(&mut self, id: EntryId) -> Option<Version> {
        let depth = self.merger.depth;
        let entry = self.paths.entry_mut(id);
        entry.blame("modify/delete");
        entry.versions[if depth > 0 { BASE } else { usize::from(entry.files / 2) }]
    }
}

/// Of an entry with two kinds, leave one side, and the base if that is of the same kind.
fn leave_one_side(entry: &mut Entry, side: usize) {
    entry.versions[3 - side] = None;
    entry.files = bit(side);
    if kind(entry.versions[BASE]) == kind(entry.versions[side]) {
        entry.files |= bit(BASE);
    } else {
        entry.versions[BASE] = None;
    }
    entry.blame("distinct types");
}
