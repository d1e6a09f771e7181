//! Object names: SHA-1 with collision detection, and SHA-256.

mod collision;
mod native;
mod portable;
mod sha1;

use crate::{Error, Kind, ObjectFormat, Oid, Result};
use sha2::Digest;
use std::io::Write;

/// What SHA-1 hashes at a time.
type Block = [u8; 64];

/// How many blocks the collision filter tests at a time.
const BATCH_BLOCKS: usize = 16;

/// A running hash in a repository's object format.
#[derive(Clone)]
pub struct Hasher(Engine);

#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // lives on the stack of whoever hashes, never in a table
enum Engine {
    Sha1(sha1::Sha1),
    Sha256(sha2::Sha256),
}

impl Hasher {
    /// A hash of trusted bytes, or of bytes whose collisions gain nothing (pack trailers): plain SHA-1, no detection.
    #[must_use]
    pub fn unchecked(format: ObjectFormat) -> Self {
        Self(match format {
            ObjectFormat::Sha1 => Engine::Sha1(sha1::Sha1::unchecked()),
            ObjectFormat::Sha256 => Engine::Sha256(sha2::Sha256::new()),
        })
    }

    /// A hash of received content: SHA-1 with collision detection.
    #[must_use]
    pub fn checked(format: ObjectFormat) -> Self {
        Self(match format {
            ObjectFormat::Sha1 => Engine::Sha1(sha1::Sha1::checked()),
            ObjectFormat::Sha256 => Engine::Sha256(sha2::Sha256::new()),
        })
    }

    /// Start a checked object name: the header `kind SP size NUL` is hashed already.
    #[must_use]
    pub fn object(format: ObjectFormat, kind: Kind, size_bytes: u64) -> Self {
        let mut hasher = Self::checked(format);
        // The longest kind, a space, 20 digits and the NUL.
        let mut header = [0; 28];
        let mut rest = &mut header[..];
        write!(rest, "{kind} {size_bytes}\0").expect("the header has room for any size");
        let unused = rest.len();
        hasher.update(&header[..header.len() - unused]);
        hasher
    }

    /// Take in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Engine::Sha1(hash) => hash.update(bytes),
            Engine::Sha256(hash) => hash.update(bytes),
        }
    }

    /// The name.
    ///
    /// # Errors
    /// `Collision` if a checked SHA-1 saw the mark of an attack.
    pub fn finish(mut self) -> Result<Oid> {
        match &mut self.0 {
            Engine::Sha1(hash) => {
                let (digest, attacked) = hash.finish();
                let oid = Oid::from_bytes(&digest)?;
                if attacked { Err(Error::Collision { oid }) } else { Ok(oid) }
            }
            Engine::Sha256(hash) => Oid::from_bytes(&hash.finalize_reset()),
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
