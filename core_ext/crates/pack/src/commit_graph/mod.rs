//! The commit-graph of one pack, version 1 (gitformat-commit-graph(5)): what walks need of a commit, in a row of fixed size.
//!
//! A *row* is a commit's place among the sorted ids of all commits of the pack, as its position is its place among those
//! of all objects. So rows and positions ascend together, and the way between them is a count of bits: nothing is looked up
//! by id.
//!
//! Nothing in the file is trusted. When it is opened, its checksum is compared, its commits are found in the idx, every
//! parent is seen to have a row, and every generation to be greater than those of the parents: so a walk along rows always
//! ends. What a row says of a commit beyond that rests on the checksum.

mod chunks;
mod ranks;
mod row;

use crate::{Bytes, Index};
use chunks::Chunks;
use packhouse_object::{Error, Hasher, Oid, Result};
use ranks::Ranks;
pub use row::{CommitRow, MARK, MAX_ROW_DATE_S, NO_PARENT};

/// A commit-graph that fits its pack.
///
/// Memory: 4 bytes for each commit, and two bits for each object of the pack.
pub struct CommitGraph {
    bytes: Bytes,
    chunks: Chunks,
    ranks: Ranks,
    positions: Vec<u32>,
}

impl CommitGraph {
    /// Check and take over the bytes of a commit-graph. Cost: a hash over them, a pass over the rows and the ids of the idx.
    ///
    /// # Errors
    /// `CorruptIndex`: a damaged file, a commit that is not in `index`, a parent without row, or a generation that is not
    /// above those of the parents.
    pub fn new(bytes: Bytes, index: &Index) -> Result<Self> {
        let chunks = Chunks::of(&bytes, index.format())?;
        check_trailer(&bytes, index)?;
        let positions = positions_of(&bytes[chunks.oids.clone()], index)?;
        let ranks = Ranks::of(&positions, index.len());
        let graph = Self { bytes, chunks, ranks, positions };
        (0..graph.len()).try_for_each(|row| graph.row(row).check())?;
        Ok(graph)
    }

    /// How many commits there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.chunks.count
    }

    /// Whether there is no commit.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row of the object at a position of the idx, if it is a commit.
    #[must_use]
    pub fn row_of(&self, position: u32) -> Option<u32> {
        self.ranks.rank_of(position)
    }

    /// The position in the idx of the commit in a row.
    ///
    /// # Panics
    /// Here and below: if `row` is not below [`Self::len`].
    #[must_use]
    pub fn position_of(&self, row: u32) -> u32 {
        self.positions[row as usize]
    }

    /// What the graph says of the commit in a row.
    #[must_use]
    pub fn row(&self, row: u32) -> CommitRow<'_> {
        assert!(row < self.len(), "row {row} of {}", self.len());
        CommitRow::new(self, row)
    }
}

fn check_trailer(bytes: &[u8], index: &Index) -> Result<()> {
    let (content, trailer) = bytes.split_at(bytes.len() - index.format().oid_len()); // `Chunks::of` has seen that many
    let mut hasher = Hasher::unchecked(index.format());
    hasher.update(content);
    if hasher.finish()?.as_bytes() == trailer { Ok(()) } else { Err(corrupt("its checksum is another one")) }
}

/// The position of each commit. Both lists of ids are sorted, so one pass over both finds them all.
fn positions_of(oids: &[u8], index: &Index) -> Result<Vec<u32>> {
    let mut positions = Vec::with_capacity(oids.len() / index.format().oid_len());
    let mut next = 0;
    for oid in oids.chunks_exact(index.format().oid_len()) {
        while next < index.len() && index.oid_at(next) < oid {
            next += 1;
        }
        if next == index.len() || index.oid_at(next) != oid {
            return Err(corrupt(&format!("commit {} is out of order, or not in the pack", Oid::from_bytes(oid)?)));
        }
        positions.push(next);
        next += 1;
    }
    Ok(positions)
}

fn corrupt(what: &str) -> Error {
    Error::CorruptIndex { what: format!("commit-graph: {what}") }
}
