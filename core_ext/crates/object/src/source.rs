//! The port through which ingest asks for objects that are stored already.

use crate::{Kind, Oid, Result};

/// Objects that a push may refer to: present in the repository and visible to its author (design, law 8).
pub trait ObjectSource: Send + Sync {
    /// The kind of an object, or `None` if it is not visible here.
    ///
    /// # Errors
    /// `CorruptPack` or `Io` if its storage is damaged.
    fn kind_of(&self, oid: &Oid) -> Result<Option<Kind>>;

    /// An object's kind and content, or `None` if it is not visible here.
    ///
    /// # Errors
    /// `Limit` if the content is over `max_bytes`; `CorruptPack` or `Io` if its storage is damaged.
    fn read(&self, oid: &Oid, max_bytes: u64) -> Result<Option<(Kind, Vec<u8>)>>;
}

/// A source in which nothing is visible: a new repository.
pub struct NoObjects;

impl ObjectSource for NoObjects {
    fn kind_of(&self, _oid: &Oid) -> Result<Option<Kind>> {
        Ok(None)
    }

    fn read(&self, _oid: &Oid, _max_bytes: u64) -> Result<Option<(Kind, Vec<u8>)>> {
        Ok(None)
    }
}
