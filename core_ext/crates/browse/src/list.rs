//! Pages of what is in a folder, or in a folder and all below it.
//!
//! In each folder the folders come first, each followed by what is in it, then the files. A page begins where its cursor
//! says: only the trees on the cursor's path are read before the first row, and none behind the last one.

use crate::folder::{FOLDER, canonical, for_each_in_order, is_folder, len_of, named, order, read_tree};
use crate::path::invalid;
use packhouse_object::edges::tree_entries;
use packhouse_object::{CancelFlag, Error, ObjectFormat, Oid, Result};
use packhouse_pack::{Content, Database};
use std::cmp::Ordering;

/// What a page is to have.
#[derive(Clone, Copy, Debug)]
pub struct ListOptions {
    /// Whether folders are gone into.
    pub recursive: bool,
    /// Whether files have their sizes.
    pub sizes: bool,
    /// The most rows.
    pub limit: usize,
    /// Memory for the rows and for the trees on the path of the one at hand, in bytes.
    pub max_memory_bytes: u64,
}

/// A file, a folder or a submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// The path from the tree that is listed.
    pub path: Vec<u8>,
    /// Its mode, one of those that Git writes.
    pub mode: u32,
    /// What is there.
    pub oid: Oid,
    /// Of a file, in bytes.
    pub size_bytes: Option<u64>,
}

/// A page of rows, and the cursor of the next one if there is one.
pub type TreePage = (Vec<TreeRow>, Option<Vec<u8>>);

/// List a tree from behind a cursor: the path of the last row that was seen, with a slash at its end if it is a folder.
///
/// A cursor may name what is not there: its page begins where that would stand.
///
/// # Errors
/// `Invalid` for a cursor that is none, or a limit of 0; `Limit`; `Missing` and `CorruptObject` for a tree, `Missing` for a
/// file whose size is asked for; `Cancelled`; what reading can raise.
pub fn list_tree(
    db: &Database,
    tree: &Oid,
    after: Option<&[u8]>,
    options: &ListOptions,
    cancel: &CancelFlag,
) -> Result<TreePage> {
    if options.limit == 0 {
        return Err(Error::Invalid { what: "a page of 0 rows".to_owned() });
    }
    let mut listing = Listing { db, options, cancel, levels: Vec::new(), to_enter: None, used_bytes: 0 };
    listing.enter(*tree, Vec::new())?;
    if let Some(after) = after {
        listing.seek(after)?;
    }
    let mut rows = Vec::new();
    while rows.len() < options.limit {
        let Some(row) = listing.next()? else { return Ok((rows, None)) };
        rows.push(listing.sized(row)?);
    }
    let cursor = rows.last().map(cursor_of);
    let has_more = listing.next()?.is_some();
    Ok((rows, cursor.filter(|_| has_more)))
}

fn cursor_of(row: &TreeRow) -> Vec<u8> {
    let end: &[u8] = if is_folder(row.mode) { b"/" } else { b"" };
    [&row.path, end].concat()
}

/// A folder that is being listed.
struct Level {
    /// The path that leads to it, with a slash at its end; empty for the tree itself.
    prefix: Vec<u8>,
    oid: Oid,
    content: Content,
    /// Where the next entry starts.
    at: usize,
    /// Whether the folders in it have been listed, and files are.
    files: bool,
}

impl Level {
    fn size_bytes(&self) -> u64 {
        (self.content.len() + self.prefix.len()) as u64
    }

    /// The next row in the folder itself.
    fn next(&mut self, format: ObjectFormat) -> Result<Option<TreeRow>> {
        loop {
            for entry in tree_entries(format, &self.content[self.at..]) {
                let entry = entry.map_err(|error| named(&self.oid, error))?;
                self.at += len_of(&entry, format);
                if is_folder(entry.mode) != self.files {
                    let path = [&self.prefix, entry.name].concat();
                    return Ok(Some(TreeRow { path, mode: canonical(entry.mode), oid: entry.oid, size_bytes: None }));
                }
            }
            if self.files {
                return Ok(None);
            }
            (self.files, self.at) = (true, 0);
        }
    }

    /// Pass over what is listed before a name, and the name itself. Returns what it names, if it is there.
    fn pass(&mut self, format: ObjectFormat, name: &[u8], mode: u32) -> Result<Option<Oid>> {
        self.files = !is_folder(mode);
        for entry in tree_entries(format, &self.content) {
            let entry = entry.map_err(|error| named(&self.oid, error))?;
            let is_listed = is_folder(entry.mode) != self.files;
            let place = order((entry.name, entry.mode), (name, mode));
            if is_listed && place == Ordering::Greater {
                break;
            }
            self.at += len_of(&entry, format);
            if is_listed && place == Ordering::Equal {
                return Ok(Some(entry.oid));
            }
        }
        Ok(None)
    }
}

struct Listing<'a> {
    db: &'a Database,
    options: &'a ListOptions,
    cancel: &'a CancelFlag,
    levels: Vec<Level>,
    /// A folder whose row was taken last, and the path of its entries.
    to_enter: Option<(Oid, Vec<u8>)>,
    used_bytes: u64,
}

impl Listing<'_> {
    /// Go to the place behind a cursor.
    fn seek(&mut self, after: &[u8]) -> Result<()> {
        let names: Vec<_> = after.strip_suffix(b"/").unwrap_or(after).split(|&byte| byte == b'/').collect();
        if names.iter().any(|name| name.is_empty()) || (names.len() > 1 && !self.options.recursive) {
            return Err(invalid(after, "no cursor of this listing"));
        }
        let (mut prefix, format) = (Vec::new(), self.db.format());
        for (rank, name) in names.iter().enumerate() {
            let Some(level) = self.levels.last_mut() else { break };
            if rank + 1 == names.len() && !after.ends_with(b"/") {
                level.pass(format, name, 0)?;
                break;
            }
            let Some(folder) = level.pass(format, name, FOLDER)? else { break };
            prefix.extend_from_slice(name);
            prefix.push(b'/');
            if self.options.recursive {
                self.enter(folder, prefix.clone())?;
            }
        }
        Ok(())
    }

    /// The next row, without its size.
    fn next(&mut self) -> Result<Option<TreeRow>> {
        self.cancel.check()?;
        if let Some((folder, prefix)) = self.to_enter.take() {
            self.enter(folder, prefix)?;
        }
        while let Some(level) = self.levels.last_mut() {
            let Some(row) = level.next(self.db.format())? else {
                self.used_bytes -= level.size_bytes();
                self.levels.pop();
                continue;
            };
            if self.options.recursive && is_folder(row.mode) {
                self.to_enter = Some((row.oid, cursor_of(&row)));
            }
            self.use_bytes(row.path.len() as u64)?;
            return Ok(Some(row));
        }
        Ok(None)
    }

    fn enter(&mut self, oid: Oid, prefix: Vec<u8>) -> Result<()> {
        let size_bytes = self.db.size_of(self.db.require(&oid)?)?;
        self.use_bytes(size_bytes.saturating_add(prefix.len() as u64))?;
        let content = read_tree(self.db, &oid)?;
        for_each_in_order(self.db.format(), &content, |_| ()).map_err(|error| named(&oid, error))?;
        self.levels.push(Level { prefix, oid, content, at: 0, files: false });
        Ok(())
    }

    fn use_bytes(&mut self, bytes: u64) -> Result<()> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        let (actual, limit) = (self.used_bytes, self.options.max_memory_bytes);
        if actual > limit {
            return Err(Error::Limit { what: "memory for a page of a tree's listing, in bytes,", actual, limit });
        }
        Ok(())
    }

    /// A row with its size, if it is to have one: a folder and a submodule have none.
    fn sized(&self, row: TreeRow) -> Result<TreeRow> {
        if !self.options.sizes || matches!(row.mode, FOLDER | 0o160_000) {
            return Ok(row);
        }
        let size_bytes = self.db.size_of(self.db.require(&row.oid)?)?;
        Ok(TreeRow { size_bytes: Some(size_bytes), ..row })
    }
}
