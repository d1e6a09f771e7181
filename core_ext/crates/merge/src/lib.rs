//! Three-way merges of commits, by the rules of `git merge-tree --write-tree`.
//!
//! [`walk`] goes through three trees at once and notes what differs; [`renames`] and [`folders`] find what was renamed, and
//! [`moves`] brings the renames of both sides together; [`resolve`] settles each path, with [`content`] and [`text`] for what
//! both sides changed, and writes the merged trees. [`commits`] merges common ancestors first where there are several.
//! docs/merging.md says where the rules come from, and what gitoxide's own merge does differently.

mod buckets;
mod changes;
mod commits;
mod content;
mod folder_moves;
mod folders;
mod lines;
mod marked;
mod moves;
mod paths;
mod renames;
mod resolve;
mod similarity;
mod text;
mod trees;
mod walk;

pub use commits::{Options, Outcome, merge};
