//! Packs as they are stored: entries, idx and rev files, commit-graphs, and lookups over many packs.
//!
//! Formats: gitformat-pack(5), gitformat-commit-graph(5).

pub mod bitmaps;
pub mod bitset;
pub mod bytes;
mod cache;
pub mod commit_graph;
mod content;
pub mod database;
mod decode;
pub mod derived;
pub mod entry;
pub mod index;
pub mod index_builder;
mod layers;
mod moved;
pub mod pack;
mod packs;
pub mod rev;
mod source;
mod verify;

pub use bitset::BitSet;
pub use bytes::Bytes;
pub use commit_graph::{CommitGraph, CommitRow};
pub use content::Content;
pub use database::{Database, Limits, Ordinal};
pub use entry::{EntryHeader, EntryKind};
pub use index::Index;
pub use index_builder::IndexBuilder;
pub use pack::{DeltaBases, Pack};
