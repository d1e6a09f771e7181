//! What commits did to a path.

use crate::folder::{canonical, is_folder, named, read_tree};
use crate::path::names_of;
use packhouse_graph::{CommitReader, StoredCommit};
use packhouse_object::edges::tree_entries;
use packhouse_object::{Kind, Oid, Result, hash_object};
use packhouse_pack::{Database, Ordinal};
use std::collections::HashMap;

/// Trees of which is known what they have at the rest of the path: most commits change none but the outermost.
const MAX_KNOWN: usize = 1 << 14;

/// What is at a path: a mode and an object.
type Place = Option<(u32, Oid)>;

/// Looks up one path in many trees.
pub(super) struct PathHistory<'a> {
    db: &'a Database,
    names: Vec<&'a [u8]>,
    empty_tree: Oid,
    /// By how many names were followed, and the tree that they led to.
    known: HashMap<(usize, Oid), Place>,
}

impl<'a> PathHistory<'a> {
    /// # Errors
    /// `Invalid` for what is no path.
    pub(super) fn new(db: &'a Database, path: &'a [u8]) -> Result<Self> {
        let empty_tree = hash_object(db.format(), Kind::Tree, b"")?;
        Ok(Self { db, names: names_of(path)?, empty_tree, known: HashMap::new() })
    }

    /// Whether a commit is one that changed the path, and from which of its parents history goes on.
    ///
    /// counts: whether a parent is one that a commit can be the same as.
    pub(super) fn simplified(
        &mut self,
        commits: &mut CommitReader<'_>,
        commit: StoredCommit,
        counts: impl Fn(Ordinal) -> bool,
    ) -> Result<(bool, Vec<Ordinal>)> {
        let place = self.place(&commit.tree)?;
        let (mut any_counts, mut differs_from_counted, mut differs_from_other) = (false, false, false);
        for &parent in &commit.parents {
            let tree = commits.tree(parent)?;
            let (is_same, parent_counts) = (tree == commit.tree || self.place(&tree)? == place, counts(parent));
            if is_same && parent_counts {
                return Ok((false, vec![parent]));
            }
            any_counts |= parent_counts;
            differs_from_counted |= parent_counts && !is_same;
            differs_from_other |= !parent_counts && !is_same;
        }
        let is_changed = match (commit.parents.is_empty(), any_counts) {
            (true, _) => place.is_some(),
            (false, true) => differs_from_counted,
            (false, false) => differs_from_other,
        };
        Ok((is_changed, commit.parents))
    }

    /// What a tree has at the path.
    fn place(&mut self, tree: &Oid) -> Result<Place> {
        let (mut at, mut passed) = (*tree, Vec::new());
        let place = loop {
            if let Some(&known) = self.known.get(&(passed.len(), at)) {
                break known;
            }
            let entry = self.child(&at, passed.len())?;
            passed.push(at);
            match entry {
                Some(entry) if passed.len() == self.names.len() => break self.unless_empty(entry),
                Some((mode, oid)) if is_folder(mode) => at = oid,
                _ => break None,
            }
        };
        if self.known.len() + passed.len() > MAX_KNOWN {
            self.known.clear();
        }
        self.known.extend(passed.into_iter().enumerate().map(|(depth, tree)| ((depth, tree), place)));
        Ok(place)
    }

    fn child(&self, tree: &Oid, depth: usize) -> Result<Place> {
        let (content, name) = (read_tree(self.db, tree)?, self.names[depth]);
        for entry in tree_entries(self.db.format(), &content) {
            let entry = entry.map_err(|error| named(tree, error))?;
            if entry.name == name {
                return Ok(Some((canonical(entry.mode), entry.oid)));
            }
        }
        Ok(None)
    }

    /// A folder without files is none.
    fn unless_empty(&self, (mode, oid): (u32, Oid)) -> Place {
        (self.empty_tree != oid).then_some((mode, oid))
    }
}
