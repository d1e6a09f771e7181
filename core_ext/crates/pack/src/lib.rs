//! Packs as they are stored: entries, idx and rev files, and lookups over many packs.
//!
//! Formats: gitformat-pack(5).

pub mod entry;

pub use entry::{EntryHeader, EntryKind};
