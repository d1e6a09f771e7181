//! Where the files of removed folders went, and how many of them.

use crate::buckets::bucket;
use crate::paths::Path;
use std::collections::HashMap;

/// Stands for "nobody knows where to" among the folders that a folder's files went to; no path is so.
pub(crate) const NOWHERE: &[u8] = b"/";

/// How many files went from a folder to which others, in the order in which that was found.
#[derive(Default)]
pub(crate) struct Moves {
    counts: Vec<(Path, u32)>,
    by_folder: HashMap<Path, usize>,
}

impl Moves {
    fn increment(&mut self, to: &[u8]) {
        if let Some(&at) = self.by_folder.get(to) {
            self.counts[at].1 += 1;
            return;
        }
        let to: Path = to.into();
        self.by_folder.insert(Path::clone(&to), self.counts.len());
        self.counts.push((to, 1));
    }

    /// The folders that files are known to have gone to, and how many to each.
    pub(crate) fn known(&self) -> impl DoubleEndedIterator<Item = &(Path, u32)> + Clone {
        self.counts.iter().filter(|(to, _)| **to != *NOWHERE)
    }

    fn unknown(&self) -> u32 {
        self.by_folder.get(NOWHERE).map_or(0, |&at| self.counts[at].1)
    }

    /// The first of the most frequent ones, in the order in which Git's table gives them.
    pub(crate) fn guess(&self) -> Option<&Path> {
        let mut order: Vec<_> = self.known().rev().collect();
        order.sort_by_key(|(folder, _)| bucket(folder));
        let mut best: Option<&(Path, u32)> = None;
        for count in order {
            if best.is_none_or(|best| count.1 > best.1) {
                best = Some(count);
            }
        }
        best.map(|(to, _)| to)
    }

    /// Whether one place has more of a folder's files than any other can get.
    pub(crate) fn is_decided(&self) -> bool {
        let mut counts: Vec<_> = self.known().map(|(_, count)| *count).collect();
        counts.sort_unstable_by_key(|&count| std::cmp::Reverse(count));
        counts.first().copied().unwrap_or(0) > counts.get(1).copied().unwrap_or(0) + self.unknown()
    }
}

/// Where the files of removed folders went.
pub(crate) type FolderMoves = HashMap<Path, Moves>;

/// Count a file that went from one folder to another.
pub(crate) fn increment(moves: &mut FolderMoves, from: &[u8], to: &[u8]) {
    match moves.get_mut(from) {
        Some(moves) => moves.increment(to),
        None => moves.entry(from.into()).or_default().increment(to),
    }
}
