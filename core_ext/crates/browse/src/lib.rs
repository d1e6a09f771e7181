//! What people look at and change without a working tree: folders, files, differences, the log of a path.
//!
//! Only trees on the paths that are asked for are read. Every answer is bounded by a limit that is an argument, and a
//! restricted database shows nothing else (design, law 8).

mod edit;
mod entry;
mod folder;
mod path;

pub use edit::{EditLimits, EditedTree, TreeEdit, edit_tree};
pub use entry::tree_entry;
