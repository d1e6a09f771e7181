//! The object database as gitoxide's crates ask for one.
//!
//! They get what a [`Database`](packhouse_pack::Database) shows (a restricted one shows less: design, law 8), beside what
//! was written meanwhile, which lies in memory and nowhere else. Everything that is read or written counts against a
//! limit, and a cancel flag is looked at for each object.

mod names;
mod objects;
mod overlay;

pub use gix_hash::{ObjectId, oid as ObjectIdRef};
pub use names::{gix_kind, gix_oid, hash_kind, kind_of, oid_of};
pub use objects::{Objects, ReadLimits};
pub use overlay::NewObject;
