//! The filters of partial clones: which of the objects that a fetch would send it leaves out.
//!
//! Each term alone means what Git's list-objects-filter.c makes of it. Several terms let through what each of them lets
//! through alone. (Git asks all of them on one walk, so there it depends on the order of the walk what a second term gets to
//! see, and less may be sent: a tree that one term skips is never shown to another by a better path.) What a client asks for
//! by name is always sent: the wants themselves, tags down their chains, and what those tag.
//!
//! Two kinds of terms look at an object alone, by its kind or its size; they are folded into one test and cost no walk.
//! The others ask where it stands: `tree:<depth>` for its least depth, `sparse:oid` for all of its paths.

mod alone;
mod local;
mod sieve;
mod sparse;
mod sparse_patterns;
mod tree_depth;
mod visited;

pub(crate) use alone::Alone;
pub use sparse_patterns::{PatternLimits, SparsePatterns};

use crate::closure::require_edge;
use crate::commits::Commits;
use crate::roots::Roots;
use local::Local;
use packhouse_object::{CancelFlag, Kind, Result};
use packhouse_pack::{BitSet, Ordinal};
use sieve::Sieve;
use sparse::SparseWalk;
use std::sync::Arc;
use tree_depth::Levels;

/// One term of a filter.
#[derive(Clone, Debug)]
pub enum Filter {
    /// No blobs.
    BlobNone,
    /// Blobs of fewer bytes.
    BlobLimit(u64),
    /// Trees and blobs above this depth. A commit's root tree has depth 0, what stands in it depth 1.
    TreeDepth(u32),
    /// Objects of one kind.
    ObjectType(Kind),
    /// Blobs with a path that a sparse checkout would populate, and all trees.
    Sparse(Arc<SparsePatterns>),
}

/// Of some commits with all in their trees, and of what was asked for by name, all that the filters let through.
///
/// shown: the commits. roots: what was asked for; of its commits, only those in `shown` count. border: what is not to be
/// entered, nor part of the answer. Without filters everything is let through.
///
/// # Errors
/// `MissingEdge`; `Limit` for a sparse filter: trees too deep, paths too long or too many; `Cancelled`; what reading can
/// raise.
pub(crate) fn filtered(
    commits: &mut Commits<'_>,
    shown: &BitSet,
    roots: &Roots,
    border: Option<&BitSet>,
    filters: &[Filter],
    cancel: &CancelFlag,
) -> Result<BitSet> {
    let local = Local::of(filters);
    let mut objects = Ground { commits, shown, roots, border, cancel }.contents(filters, local)?;
    if local.lets(Kind::Commit) {
        objects.union(shown);
    }
    let named_commits = roots.commits.iter().filter(|&&commit| shown.get(commit));
    for &named in roots.tags.iter().chain(&roots.contents).chain(named_commits) {
        objects.insert(named);
    }
    if let Some(border) = border {
        objects.minus(border);
    }
    Ok(objects)
}

/// Where the walks over trees start and stop.
struct Ground<'g, 'a> {
    commits: &'g mut Commits<'a>,
    shown: &'g BitSet,
    roots: &'g Roots,
    border: Option<&'g BitSet>,
    cancel: &'g CancelFlag,
}

impl<'g> Ground<'g, '_> {
    /// The trees and blobs that all terms let through.
    fn contents(&mut self, filters: &[Filter], local: Local) -> Result<BitSet> {
        let depth = filters.iter().filter_map(depth_of).min();
        if depth == Some(0) || !(local.lets(Kind::Tree) || local.lets(Kind::Blob)) {
            return Ok(BitSet::new(self.commits.db().ordinal_count()));
        }
        // Every tree passes a sparse filter: it only matters if there are blobs to choose from.
        let mut sparse = filters.iter().filter_map(patterns_of).filter(|_| local.lets(Kind::Blob));
        let mut contents = if depth.is_none()
            && let Some(patterns) = sparse.next()
        {
            self.sparse(patterns, local)?
        } else {
            self.within(depth, local)?
        };
        for patterns in sparse {
            contents.intersect(&self.sparse(patterns, local)?);
        }
        Ok(contents)
    }

    fn within(&mut self, depth: Option<u32>, local: Local) -> Result<BitSet> {
        let mut levels = Levels::new(self.sieve(local), self.cancel);
        self.roots.contents.iter().try_for_each(|&content| levels.add_named(content))?;
        levels.enter_named(depth)?;
        self.each_root_tree(|tree| levels.add_root(tree))?;
        levels.run(depth)
    }

    fn sparse(&mut self, patterns: &SparsePatterns, local: Local) -> Result<BitSet> {
        let mut walk = SparseWalk::new(patterns, self.sieve(local), self.cancel);
        self.roots.contents.iter().try_for_each(|&content| walk.walk_named(content))?;
        self.each_root_tree(|tree| walk.walk_root(tree))?;
        Ok(walk.into_kept())
    }

    fn sieve(&self, local: Local) -> Sieve<'g> {
        Sieve::new(self.commits.db(), self.border, local)
    }

    fn each_root_tree(&mut self, mut visit: impl FnMut(Ordinal) -> Result<()>) -> Result<()> {
        for commit in self.shown.iter() {
            self.cancel.check()?;
            let tree = self.commits.get(commit)?.tree;
            visit(require_edge(self.commits.db(), commit, &tree)?)?;
        }
        Ok(())
    }
}

const fn depth_of(filter: &Filter) -> Option<u32> {
    match filter {
        Filter::TreeDepth(depth) => Some(*depth),
        _ => None,
    }
}

fn patterns_of(filter: &Filter) -> Option<&SparsePatterns> {
    match filter {
        Filter::Sparse(patterns) => Some(patterns),
        _ => None,
    }
}
