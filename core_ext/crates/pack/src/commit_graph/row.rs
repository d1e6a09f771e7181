//! What a commit-graph says of one commit.

use super::{CommitGraph, corrupt};
use packhouse_object::{Oid, Result};

/// The latest date that a row holds, in seconds since 1970: 34 bits, the year 2514.
pub const MAX_ROW_DATE_S: u64 = (1 << 34) - 1;

/// Stands where a parent would, if there is none.
pub const NO_PARENT: u32 = 0x7000_0000;
/// In a second parent: the rest is a place in the list of edges. In that list: this is the last parent. In a generation's
/// offset: the rest is a place in the list of 64-bit offsets.
pub const MARK: u32 = 1 << 31;

/// One row of a commit-graph.
#[derive(Clone, Copy)]
pub struct CommitRow<'g> {
    graph: &'g CommitGraph,
    row: u32,
    /// The tree's id, two parents, level and date.
    data: &'g [u8],
}

impl<'g> CommitRow<'g> {
    pub(super) fn new(graph: &'g CommitGraph, row: u32) -> Self {
        let len = graph.chunks.format.oid_len() + 16;
        let data = &graph.bytes[graph.chunks.commits.clone()][row as usize * len..][..len];
        Self { graph, row, data }
    }

    /// The commit's tree.
    #[must_use]
    pub fn tree(&self) -> Oid {
        let tree = Oid::from_bytes(&self.data[..self.data.len() - 16]);
        tree.unwrap_or_else(|_| unreachable!("a row holds an id of 20 or 32 bytes"))
    }

    /// The committer's date in seconds since 1970, if the row has all of it.
    ///
    /// It has only the lower bits of a date beyond [`MAX_ROW_DATE_S`]. Then the generation is beyond as well, as that of
    /// every commit which such a one is an ancestor of: each of these has to be asked itself.
    #[must_use]
    pub fn date_s(&self) -> Option<u64> {
        (self.generation() <= MAX_ROW_DATE_S).then(|| self.short_date_s())
    }

    /// The commit's topological level: one more than the greatest of its parents'; of a root, 1.
    #[must_use]
    pub fn level(&self) -> u32 {
        self.word(2) >> 2
    }

    /// The corrected commit date: the commit's own date, or one more than the greatest of its parents' if that is later.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.offset_s().map_or(u64::MAX - 1, |offset_s| self.short_date_s().saturating_add(offset_s).min(u64::MAX - 1))
    }

    /// Visit the positions in the idx of the parents, in the commit's order.
    ///
    /// # Errors
    /// Those of `visit`; `CorruptIndex` only of a file that changed since it was checked.
    pub fn for_each_parent(&self, mut visit: impl FnMut(u32) -> Result<()>) -> Result<()> {
        self.for_each_parent_row(|row| {
            let position = self.graph.positions.get(row as usize);
            visit(*position.ok_or_else(|| corrupt(&format!("a parent in row {row} of {}", self.graph.len())))?)
        })
    }

    /// See that the parents have rows, with lesser generations.
    pub(super) fn check(&self) -> Result<()> {
        let generation = self.offset_s().and_then(|offset_s| self.short_date_s().checked_add(offset_s));
        let generation = generation.filter(|&generation| generation < u64::MAX);
        let generation = generation.ok_or_else(|| corrupt(&format!("row {} has no generation", self.row)))?;
        self.for_each_parent_row(|parent| {
            if parent >= self.graph.len() {
                return Err(corrupt(&format!("row {} has a parent in row {parent} of {}", self.row, self.graph.len())));
            }
            if self.graph.row(parent).generation() >= generation {
                return Err(corrupt(&format!(
                    "row {} is not of a later generation than its parent {parent}",
                    self.row
                )));
            }
            Ok(())
        })
    }

    fn for_each_parent_row(&self, mut visit: impl FnMut(u32) -> Result<()>) -> Result<()> {
        let (first, second) = (self.word(0), self.word(1));
        if first != NO_PARENT {
            visit(first)?;
        }
        match second {
            NO_PARENT => Ok(()),
            second if second & MARK == 0 => visit(second),
            second => self.for_each_edge(second & !MARK, visit),
        }
    }

    /// The parents after the first one of an octopus merge: a run in the list of edges, whose last one is marked.
    fn for_each_edge(&self, start: u32, mut visit: impl FnMut(u32) -> Result<()>) -> Result<()> {
        let edges = self.graph.bytes[self.graph.chunks.edges.clone()].as_chunks().0;
        for &raw in edges.get(start as usize..).unwrap_or_default() {
            let edge = u32::from_be_bytes(raw);
            visit(edge & !MARK)?;
            if edge & MARK != 0 {
                return Ok(());
            }
        }
        Err(corrupt(&format!("the parents of row {} do not end", self.row)))
    }

    fn short_date_s(&self) -> u64 {
        u64::from(self.word(2) & 3) << 32 | u64::from(self.word(3))
    }

    /// By how much the generation is more than the date.
    fn offset_s(&self) -> Option<u64> {
        let offsets = self.graph.bytes[self.graph.chunks.generations.clone()].as_chunks().0;
        let offset = u32::from_be_bytes(*offsets.get(self.row as usize)?);
        if offset & MARK == 0 {
            return Some(u64::from(offset));
        }
        let overflows = self.graph.bytes[self.graph.chunks.overflows.clone()].as_chunks().0;
        overflows.get((offset & !MARK) as usize).map(|&raw| u64::from_be_bytes(raw))
    }

    /// One of the four numbers after the tree's id.
    fn word(&self, at: usize) -> u32 {
        let words = self.data[self.data.len() - 16..].as_chunks().0;
        u32::from_be_bytes(words[at])
    }
}
