//! Reachability from bitmaps: commits are walked until each path has met one that has a bitmap, or has ended.
//!
//! A commit on the way, which has none, is *loose*: it is reached, but what its tree holds has yet to be walked, and most of
//! that stands in the bitmaps that were met behind it. A bitmap tells only of its own pack; so what it says is moved to the
//! homes of those objects, of which some may lie in newer packs.
//!
//! Memory: a bit for each object of the database, and one more for each of a pack of which several bitmaps are met.

use crate::commits::Commits;
use packhouse_object::{CancelFlag, Error, Kind, Result};
use packhouse_pack::{BitSet, Database, Ordinal, Pack};

/// Whether any of the packs has bitmaps.
pub(crate) fn has_bitmaps(db: &Database) -> bool {
    db.packs().iter().any(|pack| pack.bitmaps().is_some())
}

/// What was reached.
pub(crate) struct Cover<'a> {
    db: &'a Database,
    cancel: &'a CancelFlag,
    /// All that the bitmaps say, and the loose commits.
    pub(crate) reached: BitSet,
    pub(crate) loose: Vec<Ordinal>,
    merged: Vec<Merged>,
}

/// What bitmaps of a pack have told so far.
enum Merged {
    Nothing,
    /// All that the object at a position reaches.
    One(u32),
    /// In the order of the pack.
    Many(BitSet),
}

impl<'a> Cover<'a> {
    pub(crate) fn new(db: &'a Database, cancel: &'a CancelFlag) -> Self {
        let merged = db.packs().iter().map(|_| Merged::Nothing).collect();
        Self { db, cancel, reached: BitSet::new(db.ordinal_count()), loose: Vec::new(), merged }
    }

    /// Add what some commits reach, without what is in `border`: a closure, at which the walk ends. Returns false, with the
    /// work half done, if that takes more than `max_loose` loose commits.
    pub(crate) fn add(
        &mut self,
        commits: &mut Commits<'_>,
        tips: &[Ordinal],
        border: Option<&BitSet>,
        max_loose: usize,
    ) -> Result<bool> {
        let mut waiting: Vec<_> = tips.iter().rev().copied().collect();
        while let Some(commit) = waiting.pop() {
            self.cancel.check()?;
            let is_known = self.reached.get(commit) || border.is_some_and(|border| border.get(commit));
            if is_known || self.add_bitmap_of(commit)? {
                continue;
            }
            if self.loose.len() == max_loose {
                return Ok(false);
            }
            self.reached.insert(commit);
            self.loose.push(commit);
            // The first parent's line first: its bitmap has nearly all of what the other lines lead to.
            waiting.extend(commits.parents(commit)?.iter().rev());
        }
        Ok(true)
    }

    /// Whether a bitmap was of use.
    pub(crate) fn has_met_bitmaps(&self) -> bool {
        !self.merged.iter().all(|merged| matches!(merged, Merged::Nothing))
    }

    /// Add what a commit's bitmap says. Returns false if it has none.
    fn add_bitmap_of(&mut self, commit: Ordinal) -> Result<bool> {
        let Some((number, position)) = bitmap_of(self.db, commit) else { return Ok(false) };
        let pack = &self.db.packs()[number];
        let start = self.db.first_ordinal(number);
        if let Merged::Nothing = self.merged[number] {
            if let Some(reached) = pack.reached_from(position)? {
                self.reached.copy_run(start, &reached, 0..pack.len());
                self.merged[number] = Merged::One(position);
            }
        } else {
            let mut known = self.merged_bits(number)?;
            if let Some(new) = pack.reached_beyond(position, &mut known)? {
                self.reached.copy_run(start, &new, 0..pack.len());
            }
            self.merged[number] = Merged::Many(known);
        }
        self.move_home();
        Ok(true)
    }

    fn merged_bits(&mut self, number: usize) -> Result<BitSet> {
        let pack = &self.db.packs()[number];
        match std::mem::replace(&mut self.merged[number], Merged::Nothing) {
            Merged::Many(bits) => Ok(bits),
            Merged::Nothing => Ok(BitSet::new(pack.len())),
            Merged::One(position) => {
                let mut bits = BitSet::new(pack.len());
                pack.reached_beyond(position, &mut bits)?;
                Ok(bits)
            }
        }
    }

    /// Where a newer pack holds the same object, that is its home.
    fn move_home(&mut self) {
        if self.db.packs().len() == 1 {
            return;
        }
        let mut strays = self.reached.clone();
        strays.minus(self.db.stored_homes());
        for stray in strays.iter() {
            self.reached.remove(stray);
            self.reached.insert(self.db.stored_home(stray));
        }
    }
}

/// Where there is a bitmap of a commit: the number of the pack, and the position in it.
fn bitmap_of(db: &Database, commit: Ordinal) -> Option<(usize, u32)> {
    let (home, position) = db.pack_number(commit);
    if db.packs()[home].bitmaps().is_some_and(|bitmaps| bitmaps.has(position)) {
        return Some((home, position));
    }
    // A pack behind the home may hold a copy, with a bitmap.
    let mut others = (home + 1..db.packs().len()).filter(|&number| db.packs()[number].bitmaps().is_some()).peekable();
    others.peek()?;
    let oid = db.oid_of(commit);
    others.find_map(|number| {
        let pack = &db.packs()[number];
        let position = pack.index().find(&oid)?;
        pack.bitmaps().is_some_and(|bitmaps| bitmaps.has(position)).then_some((number, position))
    })
}

/// How many commits some commits reach, themselves counted; None: bitmaps do not tell.
///
/// # Errors
/// `MissingEdge`; `Cancelled`; what reading can raise.
pub(crate) fn count_by_bitmaps(db: &Database, tips: &[Ordinal], cancel: &CancelFlag) -> Result<Option<u64>> {
    if !has_bitmaps(db) {
        return Ok(None);
    }
    let mut cover = Cover::new(db, cancel);
    let counted = cover
        .add(&mut Commits::new(db), tips, None, usize::MAX)
        .and_then(|_| of_kind(db, &cover.reached, Kind::Commit, cancel));
    match counted {
        Ok(commits) => Ok(db.shows_all(&commits).then(|| commits.count().into())),
        Err(Error::CorruptIndex { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Those of some objects that are of a kind: from the bitmaps of packs that have them, else from each object's header.
pub(crate) fn of_kind(db: &Database, objects: &BitSet, kind: Kind, cancel: &CancelFlag) -> Result<BitSet> {
    let mut chosen = BitSet::new(db.ordinal_count());
    for (number, pack) in db.packs().iter().enumerate() {
        let start = db.first_ordinal(number);
        match pack.positions_of(kind)? {
            Some(positions) => chosen.copy_run(start, positions, 0..pack.len()),
            None => by_header(db, objects, start, pack, kind, cancel, &mut chosen)?,
        }
    }
    chosen.intersect(objects);
    Ok(chosen)
}

fn by_header(
    db: &Database,
    objects: &BitSet,
    start: Ordinal,
    pack: &Pack,
    kind: Kind,
    cancel: &CancelFlag,
    chosen: &mut BitSet,
) -> Result<()> {
    for ordinal in (start..start + pack.len()).filter(|&ordinal| objects.get(ordinal)) {
        cancel.check()?;
        if db.kind_of(ordinal)? == kind {
            chosen.insert(ordinal);
        }
    }
    Ok(())
}
