//! Object names: SHA-1 with collision detection, and SHA-256.

use crate::{Kind, ObjectFormat, Oid, Result};
use sha2::Digest;

/// A running hash in a repository's object format.
pub enum Hasher {
    /// Placeholder until the SHA-1 engine lands.
    Sha1(sha2::Sha256),
    /// SHA-256.
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// A hash of trusted bytes, or of bytes whose collisions gain nothing (pack trailers): plain SHA-1, no detection.
    #[must_use]
    pub fn unchecked(format: ObjectFormat) -> Self {
        Self::checked(format)
    }

    /// A hash of received content: SHA-1 with collision detection.
    #[must_use]
    pub fn checked(format: ObjectFormat) -> Self {
        match format {
            ObjectFormat::Sha1 => Self::Sha1(sha2::Sha256::new()),
            ObjectFormat::Sha256 => Self::Sha256(sha2::Sha256::new()),
        }
    }

    /// Start a checked object name: the header `kind SP size NUL` is hashed already.
    #[must_use]
    pub fn object(format: ObjectFormat, kind: Kind, size_bytes: u64) -> Self {
        let mut hasher = Self::checked(format);
        hasher.update(format!("{kind} {size_bytes}\0").as_bytes());
        hasher
    }

    /// Take in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) | Self::Sha256(hash) => hash.update(bytes),
        }
    }

    /// The name.
    ///
    /// # Errors
    /// `Collision` if a checked SHA-1 saw the mark of an attack.
    pub fn finish(self) -> Result<Oid> {
        match self {
            Self::Sha1(hash) => Oid::from_bytes(&hash.finalize()[..20]),
            Self::Sha256(hash) => Oid::from_bytes(&hash.finalize()),
        }
    }
}

/// The name of an object's content, with collision detection.
///
/// # Errors
/// `Collision` if the content carries the mark of an attack.
pub fn hash_object(format: ObjectFormat, kind: Kind, content: &[u8]) -> Result<Oid> {
    let mut hasher = Hasher::object(format, kind, content.len() as u64);
    hasher.update(content);
    hasher.finish()
}
