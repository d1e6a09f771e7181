//! Objects that were written and are stored nowhere yet.

use packhouse_object::{Error, Kind, Oid, Result};
use std::collections::HashMap;

/// An object that no pack holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// Its name.
    pub oid: Oid,
    /// Its kind.
    pub kind: Kind,
    /// Its content.
    pub content: Vec<u8>,
}

/// New objects by their names, in the order in which they were written.
#[derive(Default)]
pub(crate) struct Overlay {
    objects: Vec<NewObject>,
    by_oid: HashMap<Oid, usize>,
    content_bytes: u64,
}

impl Overlay {
    pub(crate) fn find(&self, oid: &Oid) -> Option<&NewObject> {
        self.by_oid.get(oid).map(|&at| &self.objects[at])
    }

    /// Keep an object that is not there yet.
    ///
    /// # Errors
    /// `Limit` if all together would be more than `max_bytes`.
    pub(crate) fn add(&mut self, oid: Oid, kind: Kind, content: &[u8], max_bytes: u64) -> Result<()> {
        let content_bytes = self.content_bytes + content.len() as u64;
        if content_bytes > max_bytes {
            return Err(Error::Limit { what: "bytes of new objects", actual: content_bytes, limit: max_bytes });
        }
        self.content_bytes = content_bytes;
        self.by_oid.insert(oid, self.objects.len());
        self.objects.push(NewObject { oid, kind, content: content.to_vec() });
        Ok(())
    }

    pub(crate) fn into_objects(self) -> Vec<NewObject> {
        self.objects
    }
}
