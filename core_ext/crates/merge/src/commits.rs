//! Merging commits: their common ancestors are merged first, as often as there are several.

use crate::content::{ContentMerger, Names};
use crate::folders::{COLLISION, PathConflict, SPLIT};
use crate::moves::apply_renames;
use crate::resolve::resolve;
use crate::walk::Walk;
use packhouse_gix::{NewObject, Objects, ReadLimits};
use packhouse_graph as graph;
use packhouse_object::edges::{commit_edges, tree_entries};
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result};
use packhouse_pack::Database;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Merges of common ancestors within merges of common ancestors.
const MAX_BASE_DEPTH: usize = 32;
/// Common ancestors, none of which is another one's.
const MAX_BASES: usize = 64;

/// What a merge is to be called, and what it may cost.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of our side behind the marks of conflicts.
    pub our_name: Vec<u8>,
    /// The name of their side.
    pub their_name: Vec<u8>,
    /// What may be read and written.
    pub limits: ReadLimits,
    /// Memory for the paths that differ, in bytes.
    pub max_path_memory_bytes: u64,
    /// The largest sum of three texts that are merged, in bytes.
    pub max_text_bytes: u64,
    /// Renames are looked for among so many old files times as many new ones: Git's `merge.renameLimit`.
    pub rename_limit: u64,
    /// Whether commits without a common ancestor are merged, as if it were empty.
    pub allow_unrelated: bool,
}

/// What a merge came to.
#[derive(Debug)]
pub struct Outcome {
    /// The merged tree, if there are no conflicts.
    pub tree: Option<Oid>,
    /// Paths in conflict in their order, and the kind of each conflict.
    pub conflicts: Vec<(Vec<u8>, &'static str)>,
    /// What the tree needs and the database has not: what an object refers to comes before it.
    pub objects: Vec<NewObject>,
    /// The best common ancestors, the newest first.
    pub bases: Vec<Oid>,
    /// How many objects were read.
    pub read_count: u64,
}

/// Merge two commits by the rules of `git merge-tree --write-tree`.
///
/// # Errors
/// `Missing` for a commit, `MissingEdge` for a target of an edge, that is not visible; `Unrelated`; `Limit`; `Cancelled`;
/// `CorruptObject` for trees with two entries of one name; what reading can raise.
pub fn merge(db: &Database, ours: &Oid, theirs: &Oid, options: &Options, cancel: &CancelFlag) -> Result<Outcome> {
    let objects = Objects::new(db, options.limits, cancel.clone());
    let (ours, theirs) = (stored(db, ours)?, stored(db, theirs)?);
    let merger = Merger { db, objects: &objects, options, cancel };
    let bases = merger.bases(&ours, &theirs)?;
    if bases.is_empty() && !options.allow_unrelated {
        return Err(Error::Unrelated { left: ours.tips[0], right: theirs.tips[0] });
    }
    let names = Names { ours: options.our_name.clone(), theirs: options.their_name.clone() };
    let (tree, mut conflicts) = merger.merge(&ours, &theirs, names, 0)?;
    conflicts.sort_by_key(|(path, kind)| (Rc::clone(path), matches!(*kind, SPLIT | COLLISION)));
    conflicts.dedup_by(|next, first| next.0 == first.0);
    let conflicts: Vec<_> = conflicts.into_iter().map(|(path, kind)| (path.to_vec(), kind)).collect();
    let (read_count, _) = objects.read_so_far();
    let tree = conflicts.is_empty().then_some(tree);
    let objects = tree.map_or(Ok(Vec::new()), |tree| needed(objects, &tree))?;
    Ok(Outcome { tree, conflicts, objects, bases, read_count })
}

/// A commit, or what two commits were merged to: its tree and the commits that it stands for.
struct Merged {
    tree: Oid,
    tips: Vec<Oid>,
}

fn stored(db: &Database, oid: &Oid) -> Result<Merged> {
    let commit = graph::peel_to_commit(db, oid)?;
    Ok(Merged { tree: tree_of(db, commit)?, tips: vec![db.oid_of(commit)] })
}

fn tree_of(db: &Database, commit: packhouse_pack::Ordinal) -> Result<Oid> {
    let (_, content) = db.read(commit, u64::MAX)?;
    let mut tree = None;
    commit_edges(db.format(), &content, |oid, kind| {
        tree = tree.or((kind == Kind::Tree).then_some(oid));
        Ok(())
    })?;
    tree.ok_or(Error::CorruptObject { oid: Some(db.oid_of(commit)), what: "a commit without a tree".to_owned() })
}

struct Merger<'a> {
    db: &'a Database,
    objects: &'a Objects<'a>,
    options: &'a Options,
    cancel: &'a CancelFlag,
}

impl Merger<'_> {
    fn bases(&self, left: &Merged, right: &Merged) -> Result<Vec<Oid>> {
        let ordinals = |tips: &[Oid]| tips.iter().map(|tip| self.db.require(tip)).collect::<Result<Vec<_>>>();
        let bases = graph::merge_bases_of_sets(self.db, &ordinals(&left.tips)?, &ordinals(&right.tips)?, self.cancel)?;
        Ok(bases.into_iter().map(|base| self.db.oid_of(base)).collect())
    }

    fn merge(&self, ours: &Merged, theirs: &Merged, names: Names, depth: usize) -> Result<(Oid, Vec<PathConflict>)> {
        let base = self.base(ours, theirs, depth)?;
        self.merge_trees([base, ours.tree, theirs.tree], names, depth)
    }

    /// The tree of the common ancestor; of several, that of their merge, the oldest first.
    fn base(&self, ours: &Merged, theirs: &Merged, depth: usize) -> Result<Oid> {
        let bases = self.bases(ours, theirs)?;
        check_limit("common ancestors of two commits", bases.len(), MAX_BASES)?;
        check_limit("merges of common ancestors within each other", depth, MAX_BASE_DEPTH)?;
        let mut bases = bases.iter().rev();
        let Some(first) = bases.next() else { return self.objects.write_object(Kind::Tree, b"") };
        let mut merged = stored(self.db, first)?;
        for next in bases {
            let next = stored(self.db, next)?;
            let names =
                Names { ours: b"Temporary merge branch 1".to_vec(), theirs: b"Temporary merge branch 2".to_vec() };
            merged.tree = self.merge(&merged, &next, names, depth + 1)?.0;
            merged.tips.extend(next.tips);
        }
        Ok(merged.tree)
    }

    fn merge_trees(&self, trees: [Oid; 3], names: Names, depth: usize) -> Result<(Oid, Vec<PathConflict>)> {
        let mut conflicts = Vec::new();
        let (objects, max_text_bytes) = (self.objects, self.options.max_text_bytes);
        let merger = ContentMerger { objects, names, depth, max_text_bytes };
        let mut walk = Walk::run(objects, trees, self.options.max_path_memory_bytes)?;
        apply_renames(&mut walk, &merger, self.options.rename_limit, &mut conflicts)?;
        let tree = resolve(&mut walk.paths, &merger, self.cancel, &mut conflicts)?;
        let tree = tree.map_or_else(|| objects.write_object(Kind::Tree, b""), |tree| Ok(tree.oid))?;
        Ok((tree, conflicts))
    }
}

fn check_limit(what: &'static str, actual: usize, limit: usize) -> Result<()> {
    if actual > limit { Err(Error::Limit { what, actual: actual as u64, limit: limit as u64 }) } else { Ok(()) }
}

/// Of what was written, what a tree needs: bases were merged, too.
fn needed(objects: Objects<'_>, tree: &Oid) -> Result<Vec<NewObject>> {
    let format = objects.db().format();
    let new = objects.into_new_objects();
    let by_oid: HashMap<Oid, &NewObject> = new.iter().map(|object| (object.oid, object)).collect();
    let (mut wanted, mut pending) = (HashSet::new(), vec![*tree]);
    while let Some(oid) = pending.pop() {
        let Some(object) = by_oid.get(&oid).filter(|_| wanted.insert(oid)) else { continue };
        if object.kind == Kind::Tree {
            for entry in tree_entries(format, &object.content) {
                pending.push(entry?.oid);
            }
        }
    }
    Ok(new.into_iter().filter(|object| wanted.contains(&object.oid)).collect())
}
