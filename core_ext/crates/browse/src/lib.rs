//! What people look at and change without a working tree: folders, files, differences, the log of a path.
//!
//! Only trees on the paths that are asked for are read. Every answer is bounded by a limit that is an argument, and a
//! restricted database shows nothing else (design, law 8).

mod blob;
mod changes;
mod edit;
mod entry;
mod folder;
mod lines;
mod list;
mod log;
mod path;

pub use blob::BlobReader;
pub use changes::{DiffOptions, FileChange, FileEntry, diff_trees};
pub use edit::{EditLimits, EditedTree, TreeEdit, edit_tree};
pub use entry::tree_entry;
pub use lines::{BlobDiff, Hunk, LineKind, LineOptions, diff_blobs};
pub use list::{ListOptions, TreePage, TreeRow, list_tree};
pub use log::{LogOptions, LogPage, log};
