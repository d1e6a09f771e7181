//! An answer as whole packs and a rest: what a client can download elsewhere, and what it must be sent.

use packhouse_object::{CancelFlag, Result};
use packhouse_pack::{BitSet, Database, Ordinal, Pack};
use std::cmp::Reverse;

/// Objects as whole packs and a rest.
pub struct ByPack {
    /// The packs, each by its place in [`Database::packs`], the largest first.
    pub packs: Vec<usize>,
    /// What none of the packs holds.
    pub rest: BitSet,
}

/// Find the packs all of whose objects are among `objects`: of at least that size, at most so many, the largest first.
///
/// A copy of an object counts as the object: a pack need not be its home. A pack that would add nothing to larger ones is
/// left out. Cost: a bit test for each object of the packs, a lookup for each copy.
///
/// # Errors
/// `Cancelled`.
pub fn split_by_pack(
    db: &Database,
    objects: &BitSet,
    min_pack_bytes: u64,
    max_packs: usize,
    cancel: &CancelFlag,
) -> Result<ByPack> {
    let mut split = ByPack { packs: Vec::new(), rest: objects.clone() };
    for place in by_size(db.packs(), min_pack_bytes) {
        if split.packs.len() == max_packs {
            break;
        }
        if is_within(db, place, objects, cancel)? && take(db, place, &mut split.rest, cancel)? {
            split.packs.push(place);
        }
    }
    Ok(split)
}

/// The places of the packs that are large enough, the largest first.
fn by_size(packs: &[impl AsRef<Pack>], min_pack_bytes: u64) -> Vec<usize> {
    let size_bytes = |&place: &usize| packs[place].as_ref().bytes().len() as u64;
    let mut places: Vec<_> = (0..packs.len()).filter(|place| size_bytes(place) >= min_pack_bytes).collect();
    places.sort_by_key(|place| Reverse(size_bytes(place)));
    places
}

fn is_within(db: &Database, place: usize, objects: &BitSet, cancel: &CancelFlag) -> Result<bool> {
    for position in 0..db.packs()[place].len() {
        cancel.check()?;
        if !home_of(db, place, position).is_some_and(|home| objects.get(home)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Take the pack's objects out of the rest. Returns whether any were in it.
fn take(db: &Database, place: usize, rest: &mut BitSet, cancel: &CancelFlag) -> Result<bool> {
    let mut is_any = false;
    for position in 0..db.packs()[place].len() {
        cancel.check()?;
        is_any |= home_of(db, place, position).is_some_and(|home| rest.remove(home));
    }
    Ok(is_any)
}

/// The home of the object at a position of a pack's idx, if it is visible.
fn home_of(db: &Database, place: usize, position: u32) -> Option<Ordinal> {
    let ordinal = db.first_ordinal(place) + position;
    if db.is_home(ordinal) {
        return Some(ordinal);
    }
    db.locate(&db.oid_of(ordinal))
}
