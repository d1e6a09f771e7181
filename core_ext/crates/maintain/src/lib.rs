//! What maintenance writes: merged packs, and files that are derived from one pack and make walks over it fast.
//!
//! Derived files can be deleted and made again.

mod bitmaps;
mod commit_graph;
mod pack;

pub use bitmaps::write_bitmaps;
pub use commit_graph::write_commit_graph;
pub use pack::{PackTarget, write_pack};
