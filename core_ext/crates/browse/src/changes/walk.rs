//! Two trees side by side.

use super::{DiffOptions, FileChange, FileEntry, too_many};
use crate::folder::{canonical, is_folder, len_of, named, order, read_tree};
use packhouse_object::edges::{TreeEntry, tree_entries};
use packhouse_object::{CancelFlag, Error, ObjectFormat, Oid, Result};
use packhouse_pack::{Content, Database};
use std::cmp::Ordering;

/// The files that differ, those that came and went apart.
pub(super) fn changes(
    db: &Database,
    old: Option<&Oid>,
    new: Option<&Oid>,
    options: &DiffOptions,
    cancel: &CancelFlag,
) -> Result<Vec<FileChange>> {
    let mut walk = Walk { db, options, cancel, levels: Vec::new(), changes: Vec::new(), used_bytes: 0 };
    if old != new {
        walk.enter(Vec::new(), old, new)?;
    }
    walk.run()?;
    Ok(walk.changes)
}

struct Walk<'a> {
    db: &'a Database,
    options: &'a DiffOptions,
    cancel: &'a CancelFlag,
    levels: Vec<Level>,
    changes: Vec<FileChange>,
    used_bytes: u64,
}

/// A folder on both sides.
struct Level {
    /// The path of its entries up to their names.
    prefix: Vec<u8>,
    old: Side,
    new: Side,
}

/// A tree that is being gone through; without entries if there is none.
struct Side {
    oid: Option<Oid>,
    content: Content,
    at: usize,
}

/// An entry on either side or both, and where it is.
struct Pair {
    path: Vec<u8>,
    old: Option<FileEntry>,
    new: Option<FileEntry>,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(level) = self.levels.last_mut() {
            self.cancel.check()?;
            match level.next(self.db.format())? {
                Some(pair) => self.compare(pair)?,
                None => {
                    self.used_bytes -= level.size_bytes();
                    self.levels.pop();
                }
            }
        }
        Ok(())
    }

    /// An entry of one side, or two of the same name and both files or both folders, that are not the same.
    fn compare(&mut self, pair: Pair) -> Result<()> {
        let mode = pair.old.or(pair.new).map_or(0, |(mode, _)| mode);
        if is_folder(mode) {
            let prefix = [&pair.path[..], b"/"].concat();
            let (old, new) = (pair.old.map(|(_, oid)| oid), pair.new.map(|(_, oid)| oid));
            return self.enter(prefix, old.as_ref(), new.as_ref());
        }
        self.use_bytes(pair.path.len() as u64)?;
        self.changes.push(FileChange { path: pair.path, old_path: None, old: pair.old, new: pair.new });
        // A rename is found as two changes.
        let limit = self.options.limit.saturating_mul(1 + usize::from(self.options.renames));
        let found = self.changes.len();
        if found > limit { Err(too_many(found as u64, self.options.limit as u64)) } else { Ok(()) }
    }

    fn enter(&mut self, prefix: Vec<u8>, old: Option<&Oid>, new: Option<&Oid>) -> Result<()> {
        self.use_bytes(prefix.len() as u64)?;
        let level = Level { prefix, old: self.side(old)?, new: self.side(new)? };
        self.levels.push(level);
        Ok(())
    }

    fn side(&mut self, oid: Option<&Oid>) -> Result<Side> {
        let Some(oid) = oid else { return Ok(Side { oid: None, content: Vec::new().into(), at: 0 }) };
        self.use_bytes(self.db.size_of(self.db.require(oid)?)?)?;
        Ok(Side { oid: Some(*oid), content: read_tree(self.db, oid)?, at: 0 })
    }

    fn use_bytes(&mut self, bytes: u64) -> Result<()> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        let (actual, limit) = (self.used_bytes, self.options.max_memory_bytes);
        if actual > limit {
            return Err(Error::Limit { what: "memory for a comparison of trees, in bytes,", actual, limit });
        }
        Ok(())
    }
}

impl Level {
    fn size_bytes(&self) -> u64 {
        (self.prefix.len() + self.old.content.len() + self.new.content.len()) as u64
    }

    /// The next entries that differ.
    fn next(&mut self, format: ObjectFormat) -> Result<Option<Pair>> {
        loop {
            let (old, new) = (self.old.peek(format)?, self.new.peek(format)?);
            let place = match (&old, &new) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => order((old.name, old.mode), (new.name, new.mode)),
            };
            let (old, new) = (old.filter(|_| place.is_le()), new.filter(|_| place.is_ge()));
            let name = old.or(new).map_or_else(Vec::new, |entry| [&self.prefix, entry.name].concat());
            let len_in_tree = |entry: &TreeEntry<'_>| len_of(entry, format);
            let (old_len, new_len) = (old.as_ref().map_or(0, len_in_tree), new.as_ref().map_or(0, len_in_tree));
            let (old, new) = (old.as_ref().map(entry_of), new.as_ref().map(entry_of));
            self.old.at += old_len;
            self.new.at += new_len;
            if old != new {
                return Ok(Some(Pair { path: name, old, new }));
            }
        }
    }
}

impl Side {
    /// The next entry.
    fn peek(&self, format: ObjectFormat) -> Result<Option<TreeEntry<'_>>> {
        let entry = tree_entries(format, &self.content[self.at..]).next().transpose();
        entry.map_err(|error| self.oid.map_or_else(|| unreachable!("no entry, no error"), |oid| named(&oid, error)))
    }
}

fn entry_of(entry: &TreeEntry<'_>) -> FileEntry {
    (canonical(entry.mode), entry.oid)
}
