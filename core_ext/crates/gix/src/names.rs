//! Ids and kinds, there and back.

use packhouse_object::{Kind, ObjectFormat, Oid};

/// The hash function of an object format.
#[must_use]
pub const fn hash_kind(format: ObjectFormat) -> gix_hash::Kind {
    match format {
        ObjectFormat::Sha1 => gix_hash::Kind::Sha1,
        ObjectFormat::Sha256 => gix_hash::Kind::Sha256,
    }
}

/// An id as gitoxide has it.
#[must_use]
pub fn gix_oid(oid: &Oid) -> gix_hash::ObjectId {
    gix_hash::ObjectId::from_bytes_or_panic(oid.as_bytes()) // 20 or 32 bytes, and both formats are compiled in
}

/// An id of gitoxide's as we have it.
#[must_use]
pub fn oid_of(id: &gix_hash::oid) -> Oid {
    Oid::from_bytes(id.as_bytes()).unwrap_or_else(|_| unreachable!("gitoxide's ids have 20 or 32 bytes"))
}

/// A kind as gitoxide has it.
#[must_use]
pub const fn gix_kind(kind: Kind) -> gix_object::Kind {
    match kind {
        Kind::Commit => gix_object::Kind::Commit,
        Kind::Tree => gix_object::Kind::Tree,
        Kind::Blob => gix_object::Kind::Blob,
        Kind::Tag => gix_object::Kind::Tag,
    }
}

/// A kind of gitoxide's as we have it.
#[must_use]
pub const fn kind_of(kind: gix_object::Kind) -> Kind {
    match kind {
        gix_object::Kind::Commit => Kind::Commit,
        gix_object::Kind::Tree => Kind::Tree,
        gix_object::Kind::Blob => Kind::Blob,
        gix_object::Kind::Tag => Kind::Tag,
    }
}
