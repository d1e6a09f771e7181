//! What a fetch sends: the objects that the wants reach and the haves do not, as `git pack-objects --revs` counts them.
//!
//! 1. Commits: the walk of `walk.rs`, haves hidden. It never leaves out a commit that the haves do not reach.
//! 2. Boundary: the hidden parents of shown commits. The client has them, and by law 1 of its own repository (Git promises
//!    no less when it sends a have) all of their trees and blobs. These are marked in full, as Git marks edge trees
//!    without `pack.useSparse`: a blob that moved within the tree is not sent again.
//! 3. Answer: what the shown commits' trees reach, stopping at marked objects; with the commits, and with the wanted tags.
//!
//! An object that only a have's deeper past holds (a file that was deleted and came back) is sent, as Git sends it:
//! finding it would take a walk over all trees of all history, or a bitmap.

use crate::closure::{Closure, reachable, require_edge};
use crate::commits::Commits;
use crate::roots::Roots;
use crate::walk::HidingWalk;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// The two results of a difference.
pub struct Difference {
    /// What the wants reach and the haves do not.
    pub objects: BitSet,
    /// Some of what the client surely holds: boundary commits and all in their trees, haves that are no commits.
    pub client_holds: BitSet,
}

/// The objects to send to somebody who wants `wants` and has `haves` with all that they refer to.
///
/// Both may name objects of any kind.
///
/// # Errors
/// `Missing` for a want or have, `MissingEdge` for a target of an edge, that is not visible; `Cancelled`; what reading can
/// raise.
pub fn difference(db: &Database, wants: &[Oid], haves: &[Oid], cancel: &CancelFlag) -> Result<Difference> {
    if haves.is_empty() {
        let client_holds = BitSet::new(db.ordinal_count());
        return Ok(Difference { objects: reachable(db, wants, cancel)?, client_holds });
    }
    let (haves, wants) = (Roots::new(db, haves)?, Roots::new(db, wants)?);
    let mut walk = HidingWalk::new(db, cancel);
    haves.commits.iter().try_for_each(|&commit| walk.hide(commit))?;
    wants.commits.iter().try_for_each(|&commit| walk.show(commit))?;
    let (shown, hidden, mut commits) = walk.run()?;
    let client_holds = held(&mut commits, &shown, &hidden, &haves, cancel)?;
    let objects = sent(&mut commits, &shown, &client_holds, &wants, cancel)?;
    Ok(Difference { objects, client_holds })
}

/// What the client holds, as far as it is worth knowing.
fn held(
    commits: &mut Commits<'_>,
    shown: &BitSet,
    hidden: &BitSet,
    haves: &Roots,
    cancel: &CancelFlag,
) -> Result<BitSet> {
    let mut closure = Closure::new(commits.db(), cancel, None);
    for &tag in &haves.tags {
        closure.mark(tag);
    }
    for &content in &haves.contents {
        closure.add_any(content)?;
    }
    for commit in shown.iter() {
        cancel.check()?;
        for &parent in commits.get(commit)?.parents.iter().filter(|&&parent| hidden.get(parent)) {
            add_with_tree(&mut closure, commits, parent)?;
        }
    }
    closure.run()
}

fn sent(
    commits: &mut Commits<'_>,
    shown: &BitSet,
    client_holds: &BitSet,
    wants: &Roots,
    cancel: &CancelFlag,
) -> Result<BitSet> {
    let mut closure = Closure::new(commits.db(), cancel, Some(client_holds));
    for &tag in &wants.tags {
        closure.mark(tag);
    }
    for &content in &wants.contents {
        closure.add_any(content)?;
    }
    for commit in shown.iter() {
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
