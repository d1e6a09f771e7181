//! The one walk that makes all bitmaps.

use super::file::Entries;
use super::history::History;
use super::live::LiveBitmaps;
use super::walk::TreeWalk;
use packhouse_object::{CancelFlag, Result, WorkCount};
use packhouse_pack::derived::HashedWriter;
use packhouse_pack::{BitSet, Database, Pack};
use std::io::Write;

/// The state of the walk.
pub(super) struct Build<'a> {
    pack: &'a Pack,
    history: &'a History,
    trees: TreeWalk<'a>,
    live: LiveBitmaps,
    /// For each commit, how many of its children are to come.
    children: Vec<u32>,
}

impl<'a> Build<'a> {
    pub(super) fn new(db: &'a Database, pack: &'a Pack, history: &'a History, live_bytes: usize) -> Result<Self> {
        let mut children = vec![0; history.len() as usize];
        for commit in 0..history.len() {
            history.parents(commit).iter().for_each(|&parent| children[parent as usize] += 1);
        }
        let live = LiveBitmaps::new(pack.len(), live_bytes);
        Ok(Self { pack, history, trees: TreeWalk::new(db, pack)?, live, children })
    }

    /// Walk, and write the entries of the chosen commits. Returns the name hashes.
    pub(super) fn run(
        mut self,
        chosen: &BitSet,
        out: &mut HashedWriter<impl Write>,
        cancel: &CancelFlag,
        work: &WorkCount,
    ) -> Result<Vec<u32>> {
        let mut entries = Entries::new(self.pack.len());
        for commit in 0..self.history.len() {
            cancel.check()?;
            let mut reached = self.reached_by_parents(commit)?;
            reached.insert(self.trees.rank_of(self.history.position(commit)));
            self.trees.add(self.history.tree(commit), &mut reached, cancel)?;
            if chosen.get(commit) {
                entries.write(self.history.position(commit), &reached, out)?;
            }
            if self.children[commit as usize] > 0 {
                self.live.insert(commit, reached)?;
            }
            work.add(1);
        }
        Ok(self.trees.into_names())
    }

    /// The union of what the parents reach. The bitmap of a parent that has no other children left is not copied.
    fn reached_by_parents(&mut self, commit: u32) -> Result<BitSet> {
        let mut reached = None;
        for &parent in self.history.parents(commit) {
            let bitmap = self.of_parent(parent)?;
            match &mut reached {
                None => reached = Some(bitmap),
                Some(reached) => BitSet::union(reached, &bitmap),
            }
        }
        Ok(reached.unwrap_or_else(|| BitSet::new(self.pack.len())))
    }

    fn of_parent(&mut self, parent: u32) -> Result<BitSet> {
        let left = &mut self.children[parent as usize];
        *left -= 1;
        if *left == 0 { self.live.take(parent) } else { self.live.copy(parent) }
    }
}
