//! Object formats and object ids.

use crate::{Error, Result};

/// The hash function that names a repository's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectFormat {
    /// 20-byte names.
    Sha1,
    /// 32-byte names.
    Sha256,
}

impl ObjectFormat {
    /// The length of a name, in bytes.
    #[must_use]
    pub const fn oid_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The number by which the files that Git derives from packs name the hash function.
    #[must_use]
    pub const fn hash_id(self) -> u8 {
        match self {
            Self::Sha1 => 1,
            Self::Sha256 => 2,
        }
    }

    /// The format's name in `extensions.objectFormat`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// The format of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }
}

/// An object id of either format. Tables of many ids hold raw bytes instead.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid {
    bytes: [u8; 32],
    len: u8,
}

impl Oid {
    /// The id with these raw bytes: 20 for SHA-1, 32 for SHA-256.
    ///
    /// # Errors
    /// `CorruptObject` for any other length.
    pub fn from_bytes(raw: &[u8]) -> Result<Self> {
        if raw.len() != 20 && raw.len() != 32 {
            return Err(Error::CorruptObject { oid: None, what: format!("an object id of {} bytes", raw.len()) });
        }
        let mut bytes = [0; 32];
        bytes[..raw.len()].copy_from_slice(raw);
        #[allow(clippy::cast_possible_truncation)] // 20 or 32
        let len = raw.len() as u8;
        Ok(Self { bytes, len })
    }

    /// The id that these lowercase (or uppercase) hexadecimal digits spell.
    ///
    /// # Errors
    /// `CorruptObject` if there are not 40 or 64 of them, or one is no digit.
    pub fn from_hex(hex: &[u8]) -> Result<Self> {
        let bad = || Error::CorruptObject {
            oid: None,
            what: format!("not an object id: {:?}", String::from_utf8_lossy(&hex[..hex.len().min(64)])),
        };
        if hex.len() != 40 && hex.len() != 64 {
            return Err(bad());
        }
        let mut bytes = [0; 32];
        for (out, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *out = nibble(pair[0]).ok_or_else(bad)? << 4 | nibble(pair[1]).ok_or_else(bad)?;
        }
        #[allow(clippy::cast_possible_truncation)] // 20 or 32
        let len = (hex.len() / 2) as u8;
        Ok(Self { bytes, len })
    }

    /// The raw bytes: 20 or 32 of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether every byte is zero: Git's way to write "no object".
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.bytes == [0; 32]
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl std::fmt::Display for Oid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Oid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Oid({self})")
    }
}
