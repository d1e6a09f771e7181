//! The terms that look at an object alone.

use super::Filter;
use packhouse_object::{Kind, Result};
use packhouse_pack::{Database, Ordinal};

/// All such terms of a filter in one: the kinds that pass, and how large a blob may be.
#[derive(Clone, Copy)]
pub(super) struct Local {
    /// The only kind that passes, if there is one.
    only: Option<Kind>,
    /// Whether two terms ask for different kinds: then nothing passes.
    is_contradiction: bool,
    blob_limit_bytes: Option<u64>,
}

impl Local {
    pub(super) fn of(filters: &[Filter]) -> Self {
        let mut local = Self { only: None, is_contradiction: false, blob_limit_bytes: None };
        filters.iter().for_each(|filter| local.add(filter));
        local
    }

    fn add(&mut self, filter: &Filter) {
        match *filter {
            Filter::BlobNone => self.limit_blobs(0),
            Filter::BlobLimit(limit_bytes) => self.limit_blobs(limit_bytes),
            Filter::ObjectType(kind) => {
                self.is_contradiction |= self.only.is_some_and(|only| only != kind);
                self.only = Some(kind);
            }
            Filter::TreeDepth(_) | Filter::Sparse(_) => (),
        }
    }

    fn limit_blobs(&mut self, limit_bytes: u64) {
        self.blob_limit_bytes = Some(self.blob_limit_bytes.unwrap_or(u64::MAX).min(limit_bytes));
    }

    /// Whether any object of a kind passes.
    pub(super) fn lets(&self, kind: Kind) -> bool {
        let is_of_kind = !self.is_contradiction && self.only.is_none_or(|only| only == kind);
        is_of_kind && (kind != Kind::Blob || self.blob_limit_bytes != Some(0))
    }

    /// Whether a blob passes by its size.
    pub(super) const fn looks_at_sizes(&self) -> bool {
        self.blob_limit_bytes.is_some()
    }

    /// Whether this object passes. At most delta headers are inflated for that.
    pub(super) fn lets_object(&self, db: &Database, ordinal: Ordinal, kind: Kind) -> Result<bool> {
        Ok(self.lets(kind)
            && match self.blob_limit_bytes.filter(|_| kind == Kind::Blob) {
                Some(limit_bytes) => db.size_of(ordinal)? < limit_bytes,
                None => true,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 4] = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];

    fn passing(filters: &[Filter]) -> Vec<Kind> {
        let local = Local::of(filters);
        KINDS.into_iter().filter(|&kind| local.lets(kind)).collect()
    }

    #[test]
    fn every_term_has_its_say_about_kinds() {
        assert_eq!(passing(&[]), KINDS);
        assert_eq!(passing(&[Filter::BlobNone]), [Kind::Commit, Kind::Tree, Kind::Tag]);
        assert_eq!(passing(&[Filter::BlobLimit(0)]), [Kind::Commit, Kind::Tree, Kind::Tag]);
        assert_eq!(passing(&[Filter::BlobLimit(1), Filter::TreeDepth(0)]), KINDS);
        assert_eq!(passing(&[Filter::ObjectType(Kind::Tree), Filter::ObjectType(Kind::Tree)]), [Kind::Tree]);
        assert_eq!(passing(&[Filter::ObjectType(Kind::Blob), Filter::BlobNone]), []);
        assert_eq!(passing(&[Filter::ObjectType(Kind::Blob), Filter::ObjectType(Kind::Tag)]), []);
    }

    #[test]
    fn the_smallest_of_several_limits_counts() {
        let limits = [Filter::BlobLimit(7), Filter::BlobLimit(3), Filter::BlobLimit(5)];
        assert_eq!(Local::of(&limits).blob_limit_bytes, Some(3));
    }
}
