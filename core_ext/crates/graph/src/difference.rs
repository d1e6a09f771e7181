//! What a fetch sends, from bitmaps. `select.rs` says what that is; here it may be less, since more is known of the client.
//!
//! 1. Haves: commits are walked until they have bitmaps (`cover.rs`). All that these reach is held; of loose commits so far
//!    only the commits.
//! 2. Wants: likewise, and the walk ends at commits that are held.
//! 3. Trees of loose commits of the haves are held as well, and walking them ends at what the bitmaps behind them reach: it
//!    costs what changed since then. If what is sent is all loose, this is done for its parents alone; if a bitmap of the
//!    wants tells what is sent, for all of them, since that bitmap has their trees, too.
//! 4. Answer: what the wants' bitmaps reach less what is held, with what the trees of loose commits hold beyond both.
//!
//! What is sent is at least what the wants reach and the haves do not: nothing is left out but what a have reaches.
//!
//! Here are no shallow boundaries: below one the client has nothing, but bitmaps go on.

use crate::closure::{Closure, require_edge};
use crate::commits::Commits;
use crate::cover::{Cover, of_kind};
use crate::filter::{Alone, filtered};
use crate::roots::Roots;
use crate::select::{Query, Selection, boundary_of};
use packhouse_object::{CancelFlag, Error, Kind, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// With more loose commits among the haves than this, most of the client's history has no bitmaps: walk by dates, then.
const MAX_LOOSE_HAVES: usize = 1 << 12;

/// The objects to send, or None if bitmaps do not tell: then the graph has to be walked.
///
/// # Errors
/// As [`crate::select`].
pub(crate) fn select_by_bitmaps(db: &Database, query: &Query<'_>, cancel: &CancelFlag) -> Result<Option<Selection>> {
    let found = Ground { db, query, cancel, haves: Roots::new(db, query.haves)?, wants: Roots::new(db, query.wants)? };
    match found.select() {
        Ok(Some(mut selection)) if db.shows_all(&selection.objects) => {
            db.hide_invisible(&mut selection.client_holds);
            Ok(Some(selection))
        }
        Ok(_) | Err(Error::CorruptIndex { .. }) => Ok(None), // the walk tells what is not visible
        Err(error) => Err(error),
    }
}

struct Ground<'g> {
    db: &'g Database,
    query: &'g Query<'g>,
    cancel: &'g CancelFlag,
    haves: Roots,
    wants: Roots,
}

impl Ground<'_> {
    fn select(&self) -> Result<Option<Selection>> {
        let mut commits = Commits::new(self.db);
        let (mut held, mut sent) = (Cover::new(self.db, self.cancel), Cover::new(self.db, self.cancel));
        if !held.add(&mut commits, &self.haves.commits, None, MAX_LOOSE_HAVES)? {
            return Ok(None);
        }
        sent.add(&mut commits, &self.wants.commits, Some(&held.reached), usize::MAX)?;
        sent.reached.minus(&held.reached);
        let boundary = self.loose_boundary(&mut commits, &held, &sent)?;
        let border = self.with_contents(&mut commits, held.reached, &boundary, &self.haves, None)?;
        match Alone::of(self.query.filters) {
            _ if self.query.filters.is_empty() => {
                let objects =
                    self.with_contents(&mut commits, sent.reached, &sent.loose, &self.wants, Some(&border))?;
                Ok(Some(Selection { objects, client_holds: border }))
            }
            Some(alone) => self.filtered_alone(commits, sent, border, alone).map(Some),
            None => self.filtered_by_place(commits, &sent.reached, &border).map(Some),
        }
    }

    /// The loose commits of the haves whose trees may hold what would be sent.
    fn loose_boundary(&self, commits: &mut Commits<'_>, held: &Cover<'_>, sent: &Cover<'_>) -> Result<Vec<Ordinal>> {
        if held.loose.is_empty() || sent.has_met_bitmaps() {
            return Ok(held.loose.clone());
        }
        let (mut shown, mut loose) = (BitSet::new(self.db.ordinal_count()), BitSet::new(self.db.ordinal_count()));
        sent.loose.iter().for_each(|&commit| _ = shown.insert(commit));
        held.loose.iter().for_each(|&commit| _ = loose.insert(commit));
        Ok(boundary_of(commits, &shown, &loose, self.cancel)?.iter().collect())
    }

    /// Add what the trees of some commits hold, and what was named, to a set that holds all it refers to but those trees;
    /// stopping at `border`, which is taken out.
    fn with_contents(
        &self,
        commits: &mut Commits<'_>,
        reached: BitSet,
        loose: &[Ordinal],
        roots: &Roots,
        border: Option<&BitSet>,
    ) -> Result<BitSet> {
        let mut closure = Closure::from(self.db, self.cancel, border, reached);
        closure.add_named(roots)?;
        for &commit in loose {
            let tree = commits.get(commit)?.tree;
            closure.add(require_edge(self.db, commit, &tree)?);
        }
        let mut objects = closure.run()?;
        if let Some(border) = border {
            objects.minus(border);
        }
        Ok(objects)
    }

    fn filtered_alone(
        &self,
        mut commits: Commits<'_>,
        sent: Cover<'_>,
        border: BitSet,
        alone: Alone,
    ) -> Result<Selection> {
        let shown = sent.reached.clone();
        let loose = if alone.lets(Kind::Tree) || alone.lets(Kind::Blob) { &sent.loose[..] } else { &[] };
        let mut objects = self.with_contents(&mut commits, sent.reached, loose, &self.wants, Some(&border))?;
        alone.restrict(self.db, &mut objects, self.cancel)?;
        let commits_sent = self.wants.commits.iter().filter(|&&commit| shown.get(commit));
        for &named in self.wants.tags.iter().chain(&self.wants.contents).chain(commits_sent) {
            if !border.get(named) {
                objects.insert(named);
            }
        }
        let mut client_holds = border;
        if alone.is_by_kind() {
            alone.restrict(self.db, &mut client_holds, self.cancel)?;
        } else {
            client_holds = self.held_by_place(&mut commits, &shown, &client_holds)?;
        }
        Ok(Selection { objects, client_holds })
    }

    fn filtered_by_place(&self, mut commits: Commits<'_>, reached: &BitSet, border: &BitSet) -> Result<Selection> {
        let shown = of_kind(self.db, reached, Kind::Commit, self.cancel)?;
        let filters = self.query.filters;
        let objects = filtered(&mut commits, &shown, &self.wants, Some(border), filters, self.cancel)?;
        let client_holds = self.held_by_place(&mut commits, &shown, border)?;
        Ok(Selection { objects, client_holds })
    }

    /// What the filters would have let through to the client of commits next to those that are sent.
    fn held_by_place(&self, commits: &mut Commits<'_>, shown: &BitSet, border: &BitSet) -> Result<BitSet> {
        if border.is_empty() {
            return Ok(BitSet::new(self.db.ordinal_count()));
        }
        let shown = of_kind(self.db, shown, Kind::Commit, self.cancel)?;
        let boundary = boundary_of(commits, &shown, border, self.cancel)?;
        filtered(commits, &boundary, &self.haves, None, self.query.filters, self.cancel)
    }
}
