//! What stands at a path.

use crate::folder::{FOLDER, canonical, is_folder, named, read_tree};
use packhouse_object::edges::tree_entries;
use packhouse_object::{Oid, Result};
use packhouse_pack::Database;

/// The mode and id of what a path leads to from a tree; `None` if it leads nowhere. The empty path is the tree itself.
///
/// Cost: the trees on the path, each up to the entry.
///
/// # Errors
/// `Missing`; `CorruptObject` for a damaged tree, or if `tree` is none; what reading can raise.
pub fn tree_entry(db: &Database, tree: &Oid, path: &[u8]) -> Result<Option<(u32, Oid)>> {
    let mut at = (FOLDER, *tree);
    if path.is_empty() {
        return read_tree(db, tree).map(|_| Some(at));
    }
    for name in path.split(|&byte| byte == b'/') {
        if !is_folder(at.0) {
            return Ok(None);
        }
        match child(db, &at.1, name)? {
            Some(entry) => at = entry,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn child(db: &Database, tree: &Oid, name: &[u8]) -> Result<Option<(u32, Oid)>> {
    let content = read_tree(db, tree)?;
    for entry in tree_entries(db.format(), &content) {
        let entry = entry.map_err(|error| named(tree, error))?;
        if entry.name == name {
            return Ok(Some((canonical(entry.mode), entry.oid)));
        }
    }
    Ok(None)
}
