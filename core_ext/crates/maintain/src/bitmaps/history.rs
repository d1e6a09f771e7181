//! The commits that some tips reach.

use packhouse_graph::{peel, read_commit};
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::{BitSet, Database};
use std::ops::Range;

/// What is no commit, or was not met.
const NONE: u32 = u32::MAX;

/// Commits, each numbered after all of its parents, lines of first parents together.
pub(super) struct History {
    rows: Vec<Row>,
    /// Numbers of parents, those of one commit together.
    parents: Vec<u32>,
    pub(super) tips: BitSet,
}

/// A commit. Positions are those in the idx.
#[derive(Clone)]
struct Row {
    position: u32,
    tree: u32,
    parents: Range<u32>,
    date_s: u64,
}

impl History {
    /// Read the commits of a database of one pack. Tips that lead to no commit in it are passed over.
    pub(super) fn read(db: &Database, tips: &[Oid], cancel: &CancelFlag) -> Result<Self> {
        let mut met = Met::new(db);
        let mut starts = Vec::new();
        for tip in tips.iter().filter_map(|tip| db.locate(tip)) {
            if let (Kind::Commit, commit) = peel(db, tip, |_| ())? {
                starts.push(met.meet(commit));
            }
        }
        let mut next = 0;
        while next < met.rows.len() {
            cancel.check()?;
            met.read(next)?;
            next += 1;
        }
        Ok(met.in_order(&starts))
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(NONE)
    }

    pub(super) fn position(&self, number: u32) -> u32 {
        self.rows[number as usize].position
    }

    pub(super) fn tree(&self, number: u32) -> u32 {
        self.rows[number as usize].tree
    }

    /// Seconds since 1970, of the committer.
    pub(super) fn date_s(&self, number: u32) -> u64 {
        self.rows[number as usize].date_s
    }

    pub(super) fn parents(&self, number: u32) -> &[u32] {
        let Range { start, end } = self.rows[number as usize].parents;
        &self.parents[start as usize..end as usize]
    }
}

/// Commits in the order in which they were met.
struct Met<'a> {
    db: &'a Database,
    number_of: Vec<u32>,
    rows: Vec<Row>,
    parents: Vec<u32>,
}

impl<'a> Met<'a> {
    fn new(db: &'a Database) -> Self {
        Self { db, number_of: vec![NONE; db.ordinal_count() as usize], rows: Vec::new(), parents: Vec::new() }
    }

    #[allow(clippy::cast_possible_truncation)] // there are fewer commits than ordinals
    fn meet(&mut self, position: u32) -> u32 {
        let number = &mut self.number_of[position as usize];
        if *number == NONE {
            *number = self.rows.len() as u32;
            self.rows.push(Row { position, tree: NONE, parents: 0..0, date_s: 0 });
        }
        *number
    }

    #[allow(clippy::cast_possible_truncation)] // as many parents as fit into a pack of 2^32 objects, or memory ends first
    fn read(&mut self, number: usize) -> Result<()> {
        let position = self.rows[number].position;
        let commit = read_commit(self.db, position)?;
        let from = || self.db.oid_of(position);
        let tree = self.db.locate(&commit.tree).ok_or_else(|| Error::MissingEdge { oid: commit.tree, from: from() })?;
        let start = self.parents.len() as u32;
        for parent in commit.parents {
            let parent = self.meet(parent);
            self.parents.push(parent);
        }
        self.rows[number].tree = tree;
        self.rows[number].date_s = commit.date_s;
        self.rows[number].parents = start..self.parents.len() as u32;
        Ok(())
    }

    /// Number them again: first all that the first parent reaches, then the next parent, then the commit.
    fn in_order(self, starts: &[u32]) -> History {
        let mut new_number = vec![NONE; self.rows.len()];
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut path: Vec<(u32, u32)> = Vec::new();
        let mut entered = BitSet::new(u32::try_from(self.rows.len()).unwrap_or(NONE));
        for &start in starts {
            if entered.insert(start) {
                path.push((start, self.rows[start as usize].parents.start));
            }
            while let Some((commit, next)) = path.last_mut() {
                let row = &self.rows[*commit as usize];
                if *next < row.parents.end {
                    let parent = self.parents[*next as usize];
                    *next += 1;
                    if entered.insert(parent) {
                        path.push((parent, self.rows[parent as usize].parents.start));
                    }
                } else {
                    new_number[*commit as usize] = u32::try_from(rows.len()).unwrap_or(NONE);
                    rows.push(row.clone());
                    path.pop();
                }
            }
        }
        let parents = self.parents.iter().map(|&parent| new_number[parent as usize]).collect();
        let mut tips = BitSet::new(u32::try_from(rows.len()).unwrap_or(NONE));
        starts.iter().for_each(|&start| _ = tips.insert(new_number[start as usize]));
        History { rows, parents, tips }
    }
}
