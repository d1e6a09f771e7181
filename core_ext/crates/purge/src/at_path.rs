//! The blobs that any commit of a history has at a path.

use packhouse_graph::{CommitReader, peel};
use packhouse_object::edges::tree_entries;
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result, WorkCount};
use packhouse_pack::{BitSet, Database, Ordinal};
use std::collections::BTreeSet;

/// What a search for blobs may find.
#[derive(Clone, Copy, Debug)]
pub struct PathLimits {
    /// The most blobs.
    pub max_blobs: usize,
    /// The longest path, in names.
    pub max_depth: usize,
}

/// The blobs at a path in the commits that `tips` reach, sorted; a folder or submodule there is none.
///
/// Cost: every commit; each distinct tree on the path once. Memory: a bit an object for each name of the path.
/// work: counts commits.
///
/// # Errors
/// `Limit`; `Missing`, `MissingEdge`; `CorruptObject`; `Cancelled`; what reading can raise.
pub fn blobs_at_path(
    db: &Database,
    tips: &[Oid],
    path: &[u8],
    limits: PathLimits,
    cancel: &CancelFlag,
    work: &WorkCount,
) -> Result<Vec<Oid>> {
    work.start(0);
    let names: Vec<_> = path.split(|&byte| byte == b'/').collect();
    check("names in a path", names.len(), limits.max_depth)?;
    let mut search =
        Search { db, seen: vec![BitSet::new(db.ordinal_count()); names.len()], names, found: BTreeSet::new() };
    let mut commits = CommitReader::new(db);
    let (mut waiting, mut met) = (Vec::new(), BitSet::new(db.ordinal_count()));
    for tip in tips {
        let (kind, peeled) = peel(db, db.require(tip)?, |_| ())?;
        if kind == Kind::Commit && met.insert(peeled) {
            waiting.push(peeled);
        }
    }
    while let Some(at) = waiting.pop() {
        cancel.check()?;
        let commit = commits.read(at)?;
        waiting.extend(commit.parents.into_iter().filter(|&parent| met.insert(parent)));
        search.look(&commit.tree)?;
        check("blobs at a path", search.found.len(), limits.max_blobs)?;
        work.add(1);
    }
    Ok(search.found.into_iter().collect())
}

fn check(what: &'static str, actual: usize, limit: usize) -> Result<()> {
    if actual > limit {
        return Err(Error::Limit { what, actual: actual as u64, limit: limit as u64 });
    }
    Ok(())
}

struct Search<'a> {
    db: &'a Database,
    names: Vec<&'a [u8]>,
    /// The trees that were looked at, for each name of the path.
    seen: Vec<BitSet>,
    found: BTreeSet<Oid>,
}

impl Search<'_> {
    fn look(&mut self, root: &Oid) -> Result<()> {
        let mut at = *root;
        for depth in 0..self.names.len() {
            let tree = self.db.require(&at)?;
            if !self.seen[depth].insert(tree) {
                return Ok(());
            }
            let is_last = depth + 1 == self.names.len();
            match self.child(tree, self.names[depth])? {
                Some((Kind::Blob, oid)) if is_last => {
                    self.found.insert(oid);
                }
                Some((Kind::Tree, oid)) if !is_last => at = oid,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn child(&self, tree: Ordinal, name: &[u8]) -> Result<Option<(Kind, Oid)>> {
        let (_, content) = self.db.read(tree, self.db.limits().max_object_bytes)?;
        for entry in tree_entries(self.db.format(), &content) {
            let entry = entry?;
            if entry.name == name {
                return Ok(entry.kind().map(|kind| (kind, entry.oid)));
            }
        }
        Ok(None)
    }
}
