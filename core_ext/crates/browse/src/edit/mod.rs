//! Trees with some paths changed: what a commit needs that was made without a working tree.
//!
//! Edits are laid over the stored trees in memory, and only a folder on a path of an edit is read. At the end each folder
//! that changed is written by copying runs of its old bytes around the entries that did: a folder of 100,000 entries is
//! copied, never taken apart.

mod node;
mod overlay;
mod splice;

use crate::path::names_of;
use node::Changed;
use overlay::Overlay;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::Database;

/// One change of a path. Names stand between slashes.
#[derive(Clone, Debug)]
pub enum TreeEdit {
    /// Put an object there, instead of a file or folder that is there, or in place of files where folders must be.
    Write {
        /// Where.
        path: Vec<u8>,
        /// One of the modes that Git writes; a folder's puts a whole tree there. `None`: that of the file or link which
        /// is there, else that of an ordinary file.
        mode: Option<u32>,
        /// What. It is not looked up, but for a folder that a later edit goes into.
        oid: Oid,
    },
    /// Take away the file or folder that is there, if there is one.
    Delete {
        /// Where.
        path: Vec<u8>,
    },
    /// Take the file or folder away from one path and put it at another, as a write does.
    Move {
        /// Where something is.
        from: Vec<u8>,
        /// Where it will be.
        to: Vec<u8>,
    },
}

/// What an edit may cost.
#[derive(Clone, Copy, Debug)]
pub struct EditLimits {
    /// Memory for the trees on the paths and the new ones together, in bytes.
    pub max_memory_bytes: u64,
}

/// A tree after some edits.
#[derive(Debug)]
pub struct EditedTree {
    /// Its id.
    pub root: Oid,
    /// The contents of those trees of it that the database does not show, each before the one that it stands in.
    pub new_trees: Vec<Vec<u8>>,
}

/// Apply edits to a tree, in their order; without one to the empty tree. Folders that become empty vanish.
///
/// Cost: the trees on the paths, read and written once.
///
/// # Errors
/// `Invalid` for a path with a name that fsck refuses, an unknown mode, a move of nothing or of a folder into itself;
/// `Limit`; `Missing` and `CorruptObject` for the trees on the paths; `Cancelled`; what reading can raise.
pub fn edit_tree(
    db: &Database,
    base: Option<&Oid>,
    edits: &[TreeEdit],
    limits: &EditLimits,
    cancel: &CancelFlag,
) -> Result<EditedTree> {
    let mut overlay = Overlay::new(db, limits, cancel);
    let mut root = Changed::from(base.copied());
    for edit in edits {
        cancel.check()?;
        match edit {
            TreeEdit::Write { path, mode, oid } => overlay.write(&mut root, path, *mode, *oid)?,
            TreeEdit::Delete { path } => overlay.take(&mut root, &names_of(path)?).map(drop)?,
            TreeEdit::Move { from, to } => overlay.rename(&mut root, from, to)?,
        }
    }
    overlay.finish(root)
}
