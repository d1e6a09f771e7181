//! Derived files that an open pack takes over: they come later than the pack, or not at all.

use super::{Pack, index_of_pack};
use crate::{Bytes, CommitGraph};
use packhouse_object::Result;
use std::path::Path;

impl Pack {
    /// Map the commit-graph of this pack, unless it has one. All databases that share the pack use it from now on; a walk
    /// that is under way does not.
    ///
    /// # Errors
    /// `CorruptIndex` if the file is damaged or of another pack; `Io`.
    pub fn attach_graph(&self, path: &Path) -> Result<()> {
        if self.graph.get().is_some() { Ok(()) } else { self.attach_graph_bytes(Bytes::open(path)?) }
    }

    /// As [`Self::attach_graph`], of bytes in memory.
    ///
    /// # Errors
    /// `CorruptIndex`.
    pub fn attach_graph_bytes(&self, bytes: impl Into<Bytes>) -> Result<()> {
        let graph = CommitGraph::new(bytes.into(), &self.index).map_err(|error| index_of_pack(&self.name, error))?;
        let _ = self.graph.set(graph); // somebody else was faster: theirs is the same
        Ok(())
    }

    /// The commit-graph, if there is one.
    #[must_use]
    pub fn graph(&self) -> Option<&CommitGraph> {
        self.graph.get()
    }
}
