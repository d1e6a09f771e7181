//! A history written anew without some blobs: what reaches them gets new ids, everything else keeps its own.
//!
//! An entry that names such a blob is left out, an emptied folder too; a commit or tag above it is written anew, without the
//! signatures that it had, which sign what is no longer there. Nothing is changed where it lies: new objects go to new packs.

mod at_path;
mod doomed;
mod history;
mod output;
mod rewriter;
mod similar;
mod tree;

pub use at_path::{PathLimits, blobs_at_path};
pub use output::Target;
pub use rewriter::{Rewritten, without_blobs};
