//! Filters that ask each object alone: then it does not matter how it was reached, and bitmaps do.

use super::local::Local;
use super::{Filter, depth_of, patterns_of};
use crate::cover::of_kind;
use packhouse_object::{CancelFlag, Kind, Result};
use packhouse_pack::{BitSet, Database};

/// All terms of a filter in one.
#[derive(Clone, Copy)]
pub(crate) struct Alone {
    local: Local,
    /// Whether trees and blobs may pass: `tree:0` lets none through.
    lets_contents: bool,
}

impl Alone {
    /// The filter, or None if a term asks where an object stands.
    pub(crate) fn of(filters: &[Filter]) -> Option<Self> {
        let is_alone =
            |filter: &Filter| patterns_of(filter).is_none() && depth_of(filter).is_none_or(|depth| depth == 0);
        let lets_contents = !filters.iter().any(|filter| depth_of(filter).is_some());
        filters.iter().all(is_alone).then(|| Self { local: Local::of(filters), lets_contents })
    }

    /// Whether any object of a kind passes. Tags are always asked for by name, and pass.
    pub(crate) fn lets(self, kind: Kind) -> bool {
        let is_content = matches!(kind, Kind::Tree | Kind::Blob);
        kind == Kind::Tag || self.local.lets(kind) && (self.lets_contents || !is_content)
    }

    /// Whether all objects of a kind fare the same.
    pub(crate) fn is_by_kind(self) -> bool {
        !self.lets(Kind::Blob) || !self.local.looks_at_sizes()
    }

    /// Leave only what passes. Sizes are looked at of blobs alone, and only if they matter.
    pub(crate) fn restrict(self, db: &Database, objects: &mut BitSet, cancel: &CancelFlag) -> Result<()> {
        for kind in [Kind::Commit, Kind::Tree, Kind::Blob].into_iter().filter(|&kind| !self.lets(kind)) {
            let left_out = of_kind(db, objects, kind, cancel)?;
            objects.minus(&left_out);
        }
        if self.is_by_kind() {
            return Ok(());
        }
        let blobs = of_kind(db, objects, Kind::Blob, cancel)?;
        for (number, pack) in db.packs().iter().enumerate() {
            let start = db.first_ordinal(number);
            // In the order of the pack: looking at sizes here and there in it takes several times as long.
            for blob in pack.pack_order()?.iter().map(|position| start + position).filter(|&blob| blobs.get(blob)) {
                cancel.check()?;
                if !self.local.lets_object(db, blob, Kind::Blob)? {
                    objects.remove(blob);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(filters: &[Filter]) -> Option<Vec<Kind>> {
        let alone = Alone::of(filters)?;
        Some([Kind::Commit, Kind::Tree, Kind::Blob].into_iter().filter(|&kind| alone.lets(kind)).collect())
    }

    #[test]
    fn only_what_asks_an_object_alone_is_taken() {
        assert_eq!(passing(&[Filter::BlobNone]), Some(vec![Kind::Commit, Kind::Tree]));
        assert_eq!(passing(&[Filter::BlobLimit(9)]), Some(vec![Kind::Commit, Kind::Tree, Kind::Blob]));
        assert_eq!(passing(&[Filter::TreeDepth(0)]), Some(vec![Kind::Commit]));
        assert_eq!(passing(&[Filter::TreeDepth(0), Filter::ObjectType(Kind::Tree)]), Some(vec![]));
        assert_eq!(passing(&[Filter::TreeDepth(1)]), None);
        assert_eq!(passing(&[Filter::BlobNone, Filter::TreeDepth(2)]), None);
    }

    #[test]
    fn sizes_matter_only_where_a_blob_may_pass() {
        let by_kind = |filters: &[Filter]| Alone::of(filters).map(Alone::is_by_kind);
        assert_eq!(by_kind(&[Filter::BlobLimit(0)]), Some(true));
        assert_eq!(by_kind(&[Filter::BlobLimit(1)]), Some(false));
        assert_eq!(by_kind(&[Filter::BlobLimit(1), Filter::TreeDepth(0)]), Some(true));
    }
}
