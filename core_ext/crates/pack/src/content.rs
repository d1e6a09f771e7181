//! The decoded content of an object.

use std::ops::Deref;
use std::sync::Arc;

/// An object's content, shared with the cache that may hold it as a delta base; cloning is cheap.
///
/// An `Arc<[u8]>` would have one indirection less, and cost a copy of every object decoded: a `Vec` cannot become one
/// in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Arc<Vec<u8>>);

impl Content {
    /// The content as a `Vec`; copied if the cache or somebody else holds it too.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.0)
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self
    }
}
