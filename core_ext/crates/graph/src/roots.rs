//! What a request names, sorted by what walks do with it.

use crate::commits::peel;
use packhouse_object::{Kind, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};

/// Wants or haves, sorted by what they lead to.
#[derive(Default)]
pub(crate) struct Roots {
    /// Annotated tags, each chain from its start to its end.
    pub(crate) tags: Vec<Ordinal>,
    pub(crate) commits: Vec<Ordinal>,
    /// Trees and blobs.
    pub(crate) contents: Vec<Ordinal>,
}

impl Roots {
    pub(crate) fn new(db: &Database, oids: &[Oid]) -> Result<Self> {
        let mut roots = Self::default();
        for oid in oids {
            match peel(db, db.require(oid)?, |tag| roots.tags.push(tag))? {
                (Kind::Commit, commit) => roots.commits.push(commit),
                (_, content) => roots.contents.push(content),
            }
        }
        Ok(roots)
    }
}

/// The annotated tags among some objects and those that they tag, down each chain; nothing else that they tag.
///
/// # Errors
/// `Missing`; as [`peel`].
pub fn tag_chain(db: &Database, tags: &[Oid]) -> Result<BitSet> {
    let mut chain = BitSet::new(db.ordinal_count());
    for tag in Roots::new(db, tags)?.tags {
        chain.insert(tag);
    }
    Ok(chain)
}
