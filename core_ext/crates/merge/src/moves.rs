//! Renames of both sides, brought together: each moves the versions of its old path to the new one.

use crate::changes::Addition;
use crate::content::{ContentMerger, Three};
use crate::folder_moves::FolderMoves;
use crate::folders::{PathConflict, Relocation, drop_common, relocate, renamed_folders};
use crate::paths::{BASE, EntryId, OURS, Path, Paths, REGULAR, THEIRS, bit, kind, other};
use crate::renames::detect;
use crate::similarity::Similarity;
use crate::walk::Walk;
use packhouse_object::{Error, Kind, Result, hash_object};

/// A rename of one side.
struct Rename {
    old: Path,
    new: Path,
    side: usize,
}

/// Find what was renamed, and let the paths show it. rename_limit: as Git's `merge.renameLimit`.
pub(crate) fn apply_renames(
    walk: &mut Walk<'_>,
    merger: &ContentMerger<'_>,
    rename_limit: u64,
    conflicts: &mut Vec<PathConflict>,
) -> Result<()> {
    if !walk.changes.iter().any(|changes| changes.may_have_renames() && changes.has_any()) {
        return Ok(());
    }
    let moves = detect_all(walk, merger, rename_limit)?;
    let mut renames = bring_folders(walk, moves, merger.depth == 0, conflicts)?;
    renames.sort_by(|left, right| left.old.cmp(&right.old));
    let mut rest = renames.as_slice();
    while let [rename, after @ ..] = rest {
        rest = after;
        let Some(old) = walk.paths.find(&rename.old).filter(|&id| !walk.paths.entry(id).is_clean) else { continue };
        if rename.old == rename.new {
            continue;
        }
        let mut step = Step { paths: &mut walk.paths, merger, old, rename };
        match after {
            [second, others @ ..] if second.old == rename.old => {
                rest = others;
                step.both_renamed(&second.new)?;
            }
            _ => step.one_renamed()?,
        }
    }
    Ok(())
}

fn detect_all(walk: &mut Walk<'_>, merger: &ContentMerger<'_>, rename_limit: u64) -> Result<[FolderMoves; 3]> {
    let empty_blob = hash_object(merger.objects.db().format(), Kind::Blob, b"")?;
    let mut similarity = Similarity::new(merger.objects);
    let mut moves: [FolderMoves; 3] = Default::default();
    for side in [OURS, THEIRS] {
        let changes = &mut walk.changes[side];
        if changes.may_have_renames() && changes.has_any() {
            moves[side] = detect(changes, &mut similarity, &empty_blob, rename_limit)?;
        }
    }
    Ok(moves)
}

/// Apply the renames of folders, and list all that is renamed then.
fn bring_folders(
    walk: &mut Walk<'_>,
    moves: [FolderMoves; 3],
    follows_folders: bool,
    conflicts: &mut Vec<PathConflict>,
) -> Result<Vec<Rename>> {
    let [_, our_moves, their_moves] = if follows_folders { moves } else { Default::default() };
    let (mut ours, mut theirs) = (renamed_folders(&our_moves, conflicts), renamed_folders(&their_moves, conflicts));
    drop_common(&mut ours, &mut theirs);
    let mut our_relocation = Relocation::new(&walk.changes[OURS].additions, &theirs, &ours);
    let mut their_relocation = Relocation::new(&walk.changes[THEIRS].additions, &ours, &theirs);
    let mut list = Vec::new();
    for addition in &walk.changes[OURS].additions {
        let to = our_relocation.target(addition, OURS, &their_relocation, &walk.paths, conflicts);
        list.extend(bring(&mut walk.paths, addition, to, OURS)?);
    }
    for addition in &walk.changes[THEIRS].additions {
        let to = their_relocation.target(addition, THEIRS, &our_relocation, &walk.paths, conflicts);
        list.extend(bring(&mut walk.paths, addition, to, THEIRS)?);
    }
    Ok(list)
}

fn bring(paths: &mut Paths, addition: &Addition, to: Option<Path>, side: usize) -> Result<Option<Rename>> {
    let path = &addition.file.path;
    if let Some(to) = &to {
        relocate(paths, path, to)?;
    }
    let old = match (&addition.source, &to) {
        (Some(source), _) => Path::clone(&source.path),
        (None, Some(_)) => Path::clone(path),
        (None, None) => return Ok(None),
    };
    Ok(Some(Rename { old, new: to.unwrap_or_else(|| Path::clone(path)), side }))
}

/// One rename, about to be applied.
struct Step<'s, 'm> {
    paths: &'s mut Paths,
    merger: &'s ContentMerger<'m>,
    old: EntryId,
    rename: &'s Rename,
}

impl Step<'_, '_> {
    /// What is known of a path that something was renamed to: a side has it, so it was met.
    fn target(&self, path: &Path) -> Result<EntryId> {
        let lost = || Error::CorruptObject {
            oid: None,
            what: format!("renamed to {}, which no tree has", String::from_utf8_lossy(path)),
        };
        self.paths.find(path).ok_or_else(lost)
    }

    /// Both sides renamed the same file: to the same path or to two.
    fn both_renamed(&mut self, second: &Path) -> Result<()> {
        let first = &self.rename.new;
        let (ours, theirs) = (self.target(first)?, self.target(second)?);
        if first == second {
            let base = self.paths.entry(self.old).versions[BASE];
            let entry = self.paths.entry_mut(ours);
            entry.versions[BASE] = base;
            entry.files |= bit(BASE);
            self.paths.entry_mut(self.old).remove();
            return Ok(());
        }
        self.merge_apart(ours, theirs, second)?;
        for id in [self.old, ours, theirs] {
            let entry = self.paths.entry_mut(id);
            entry.has_path_conflict = true;
            entry.reason = Some("rename/rename");
        }
        Ok(())
    }

    /// Give both new paths the merged content.
    fn merge_apart(&mut self, ours: EntryId, theirs: EntryId, second: &Path) -> Result<()> {
        let (old, first) = (&self.rename.old, &self.rename.new);
        let base = self.paths.entry(self.old).versions[BASE];
        let (our_version, their_version) =
            (self.paths.entry(ours).versions[OURS], self.paths.entry(theirs).versions[THEIRS]);
        let (Some(our_version), Some(their_version)) = (our_version, their_version) else { return Ok(()) };
        let three = Three { base, ours: our_version, theirs: their_version, paths: [old, first, second] };
        let content = self.merger.merge(&three, 1 + 2 * self.merger.depth)?;
        let is_ours_alone = content.conflict.is_some() && content.merged == Some(our_version);
        self.paths.entry_mut(ours).versions[OURS] = content.merged;
        // What cannot be merged is not to be at both paths.
        let second_version = if is_ours_alone { Some(their_version) } else { content.merged };
        self.paths.entry_mut(theirs).versions[THEIRS] = second_version;
        Ok(())
    }

    /// One side renamed the file, the other one may have changed it, deleted it, or put something else at the new path.
    fn one_renamed(&mut self) -> Result<()> {
        let new = self.target(&self.rename.new)?;
        let (side, other_side) = (self.rename.side, other(self.rename.side));
        let (old_entry, new_entry) = (self.paths.entry(self.old), self.paths.entry(new));
        let is_deleted = old_entry.files == bit(BASE);
        let is_regular = |version| kind(version) == REGULAR;
        let changes_type =
            !is_deleted && is_regular(old_entry.versions[other_side]) != is_regular(new_entry.versions[side]);
        let collides = new_entry.files & bit(other_side) != 0 && !changes_type;
        match (collides, is_deleted) {
            (true, false) => self.collide(new)?,
            (true, true) => self.rename_deleted(new),
            (false, _) => self.move_versions(new, is_deleted, changes_type),
        }
        if !changes_type {
            self.paths.entry_mut(self.old).remove();
        }
        Ok(())
    }

    /// Something else is at the new path: the file is merged first, and with that afterwards.
    fn collide(&mut self, new: EntryId) -> Result<()> {
        let side = self.rename.side;
        let mut versions = self.paths.entry(self.old).versions;
        versions[side] = self.paths.entry(new).versions[side];
        let entry = self.paths.entry_mut(new);
        entry.blame("rename/add");
        let (Some(ours), Some(theirs)) = (versions[OURS], versions[THEIRS]) else {
            entry.has_path_conflict = true;
            return Ok(());
        };
        let (old_path, new_path) = (&self.rename.old, &self.rename.new);
        let mut paths = [old_path; 3];
        paths[side] = new_path;
        let three = Three { base: versions[BASE], ours, theirs, paths };
        let content = self.merger.merge(&three, 1 + 2 * self.merger.depth)?;
        let entry = self.paths.entry_mut(new);
        entry.versions[side] = content.merged;
        // The text with marks may merge with the other one without a conflict: Git calls that clean.
        entry.has_path_conflict |= self.merger.depth == 0 && content.conflict.is_some();
        Ok(())
    }

    fn rename_deleted(&mut self, new: EntryId) {
        let entry = self.paths.entry_mut(new);
        entry.has_path_conflict = true;
        entry.blame("rename/delete");
    }

    fn move_versions(&mut self, new: EntryId, is_deleted: bool, changes_type: bool) {
        let (versions, other_side) = (self.paths.entry(self.old).versions, other(self.rename.side));
        let old_path = &self.rename.old;
        let entry = self.paths.entry_mut(new);
        let mut take = |side: usize| {
            entry.versions[side] = versions[side];
            entry.files |= bit(side);
            entry.origins[side] = Some(Path::clone(old_path));
        };
        take(BASE);
        if changes_type {
            let entry = self.paths.entry_mut(self.old);
            entry.versions[BASE] = None;
            entry.files &= !bit(BASE);
        } else if is_deleted {
            self.rename_deleted(new);
        } else {
            take(other_side);
        }
    }
}
