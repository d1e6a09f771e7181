//! The limits and settings of one ingest.

use packhouse_object::fsck::Policy;
use packhouse_object::{CancelFlag, ObjectFormat};
use std::sync::Arc;

/// How much a pack may ask for, and with how many threads it is taken in. Every limit comes from the caller.
#[derive(Clone)]
pub struct Options {
    /// The format of the objects' names.
    pub format: ObjectFormat,
    /// Bytes of the pack that are kept in memory; beyond that it lies in a file.
    pub spill_bytes: u64,
    /// The longest pack, in bytes.
    pub max_pack_bytes: u64,
    /// The most entries that a pack may announce.
    pub max_objects: u32,
    /// The largest object, in bytes.
    pub max_object_bytes: u64,
    /// The largest object that is ever held in memory: every commit, tree, tag, delta, delta base and delta result.
    pub max_resident_object_bytes: u64,
    /// The most bytes that all entries together may inflate to.
    pub max_inflated_bytes: u64,
    /// The longest chain of deltas.
    pub max_delta_depth: u32,
    /// Contents of delta bases held at a time, by all threads together.
    pub base_cache_bytes: u64,
    /// Threads that work on the pack, the caller's counted.
    pub threads: usize,
    /// What each finding of the object checks weighs.
    pub policy: Arc<Policy>,
    /// Set by whoever wants the work to stop.
    pub cancel: CancelFlag,
}
