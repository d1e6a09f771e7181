//! The object graph: reachability, set difference, common ancestors; and the pack writer that sends what they found.
//!
//! All of it walks iteratively, looks at a cancel flag for each object, and takes a few bits for each object of the database
//! plus memory of fixed size; each file says what it takes.

mod bases;
mod by_pack;
mod closure;
mod commits;
mod count;
mod cover;
mod difference;
mod filter;
mod frontier;
mod graphs;
mod history;
mod kept;
mod parents;
mod queue;
mod reach;
mod ready;
mod recent;
mod roots;
mod select;
mod set;
mod shallow;
mod stream;
mod tree;
mod walk;

pub use bases::{is_ancestor, merge_bases, merge_bases_of_sets};
pub use by_pack::{ByPack, split_by_pack};
pub use closure::{reachable, reachable_beyond};
pub use commits::{StoredCommit, parents, peel, peel_to_commit, read_commit};
pub use count::count_commits;
pub use filter::{Filter, PatternLimits, SparsePatterns};
pub use history::CommitReader;
pub use queue::{DateQueue, Queue};
pub use reach::reached_among;
pub use ready::all_reach;
pub use recent::Recent;
pub use roots::tag_chain;
pub use select::{Query, Selection, select};
pub use set::{ObjectSet, OtherDatabase};
pub use shallow::{ShortHistory, age_boundary, depth_boundary};
pub use stream::{
    PACKET_HEAD_BYTES, PackEntries, PackEntry, PackOptions, PackStream, Part, Portion, write_packet_head,
};
pub use tree::for_each_entry;
pub use walk::{hidden_from, walk_commits};
