//! What a fetch sends: the objects that the wants reach and the haves do not, as `git pack-objects --revs` counts them.
//!
//! 1. Commits: the walk of `walk.rs`, haves hidden. It never leaves out a commit that the haves do not reach.
//! 2. Boundary: the hidden parents of shown commits. The client has them, and by law 1 of its own repository (Git promises
//!    no less when it sends a have) all of their trees and blobs. These are marked in full, as Git marks edge trees
//!    without `pack.useSparse`: a blob that moved within the tree is not sent again.
//! 3. Answer: what the shown commits' trees reach, stopping at marked objects; with the commits, and with the wanted tags.
//!
//! An object that only a have's deeper past holds (a file that was deleted and came back) is sent, as Git sends it:
//! finding it would take a walk over all trees of all history, or a bitmap. Where there are bitmaps, `difference.rs` finds
//! the answer from them.
//!
//! **Shallow.** History is cut at the boundary of the client's history to be. Then a commit that is sent may have no parent
//! at all that the client has, and its tree would be sent whole: so every have is an edge, next to a shown commit or not,
//! as with Git's `--objects-edge-aggressive`; and so is every want that the client turns out to have.
//!
//! **Filtered.** What the boundary leads to is not sent, as in Git, although a partial clone may lack some of it: what it
//! lacks it will ask for by name. But no delta may stand on that, so what the client holds is only what the same filter
//! would have sent it of the boundary.

use crate::closure::{Closure, reachable, require_edge};
use crate::commits::{Commits, commits_among};
use crate::cover::has_bitmaps;
use crate::difference::select_by_bitmaps;
use crate::filter::{Filter, filtered};
use crate::roots::Roots;
use crate::walk::HidingWalk;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// What a client wants, and what it has. All ids may be those of objects of any kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'q> {
    /// What to send, with all that it refers to.
    pub wants: &'q [Oid],
    /// What the client has, with all that it refers to.
    pub haves: &'q [Oid],
    /// Where history ends. What is not visible or no commit is passed over.
    pub shallow: &'q [Oid],
    /// What to let through; without any, everything.
    pub filters: &'q [Filter],
}

/// The answer to a [`Query`].
pub struct Selection {
    /// What the wants reach and the haves do not.
    pub objects: BitSet,
    /// Some of what the client surely holds: boundary commits and all in their trees, haves that are no commits.
    pub client_holds: BitSet,
}

/// The objects to send.
///
/// # Errors
/// `Missing` for a want or have, `MissingEdge` for a target of an edge, that is not visible; `Limit` for what is too deep for
/// a sparse filter; `Cancelled`; what reading can raise.
pub fn select(db: &Database, query: &Query<'_>, cancel: &CancelFlag) -> Result<Selection> {
    let cut = commits_among(db, query.shallow)?;
    if query.haves.is_empty() && cut.is_empty() && query.filters.is_empty() {
        let client_holds = BitSet::new(db.ordinal_count());
        return Ok(Selection { objects: reachable(db, query.wants, cancel)?, client_holds });
    }
    if cut.is_empty()
        && has_bitmaps(db)
        && let Some(selection) = select_by_bitmaps(db, query, cancel)?
    {
        return Ok(selection);
    }
    let is_shallow = !cut.is_empty();
    let (haves, wants) = (Roots::new(db, query.haves)?, Roots::new(db, query.wants)?);
    let mut walk = HidingWalk::new(Commits::with_cut(db, cut), cancel);
    haves.commits.iter().try_for_each(|&commit| walk.hide(commit))?;
    wants.commits.iter().try_for_each(|&commit| walk.show(commit))?;
    let (shown, hidden, mut commits) = walk.run()?;
    let mut boundary = boundary_of(&mut commits, &shown, &hidden, cancel)?;
    if is_shallow {
        let named = haves.commits.iter().chain(&wants.commits);
        named.filter(|&&commit| hidden.get(commit)).for_each(|&commit| _ = boundary.insert(commit));
    }
    let border = contents(&mut commits, &boundary, &haves, None, cancel)?;
    if query.filters.is_empty() {
        let objects = contents(&mut commits, &shown, &wants, Some(&border), cancel)?;
        return Ok(Selection { objects, client_holds: border });
    }
    let objects = filtered(&mut commits, &shown, &wants, Some(&border), query.filters, cancel)?;
    let client_holds = filtered(&mut commits, &boundary, &haves, None, query.filters, cancel)?;
    Ok(Selection { objects, client_holds })
}

/// The hidden parents of shown commits.
pub(crate) fn boundary_of(
    commits: &mut Commits<'_>,
    shown: &BitSet,
    hidden: &BitSet,
    cancel: &CancelFlag,
) -> Result<BitSet> {
    let mut boundary = BitSet::new(commits.db().ordinal_count());
    for commit in shown.iter() {
        cancel.check()?;
        for &parent in commits.parents(commit)?.iter().filter(|&&parent| hidden.get(parent)) {
            boundary.insert(parent);
        }
    }
    Ok(boundary)
}

/// Some commits with all in their trees, and what else was named; stopping at `border`.
fn contents(
    commits: &mut Commits<'_>,
    chosen: &BitSet,
    roots: &Roots,
    border: Option<&BitSet>,
    cancel: &CancelFlag,
) -> Result<BitSet> {
    let mut closure = Closure::new(commits.db(), cancel, border);
    closure.add_named(roots)?;
    for commit in chosen.iter() {
        cancel.check()?;
        add_with_tree(&mut closure, commits, commit)?;
    }
    closure.run()
}

/// Add a commit and its tree, but not its parents.
fn add_with_tree(closure: &mut Closure<'_>, commits: &mut Commits<'_>, commit: Ordinal) -> Result<()> {
    if closure.mark(commit) {
        let tree = commits.get(commit)?.tree;
        closure.add(require_edge(commits.db(), commit, &tree)?);
    }
    Ok(())
}
