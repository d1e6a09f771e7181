//! The object graph: reachability, set difference, common ancestors; and the pack writer that sends what they found.
//!
//! All of it walks iteratively, looks at a cancel flag for each object, and takes a few bits for each object of the database
//! plus memory of fixed size; each file says what it takes.

mod bases;
mod closure;
mod commits;
mod count;
mod difference;
mod frontier;
mod queue;
mod ready;
mod recent;
mod roots;
mod set;
mod stream;
mod tree;
mod walk;

pub use bases::{is_ancestor, merge_bases};
pub use closure::reachable;
pub use commits::{peel, peel_to_commit};
pub use count::count_commits;
pub use difference::{Difference, difference};
pub use ready::all_reach;
pub use set::{ObjectSet, OtherDatabase};
pub use stream::{PackOptions, PackStream};
pub use walk::walk_commits;
