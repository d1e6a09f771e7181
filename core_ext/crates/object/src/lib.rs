//! Object ids, hashing, zlib, deltas and the structured object kinds of Git.
//!
//! Nothing here does I/O: bytes in, bytes or values out, every length checked against a limit first.

pub mod cancel;
pub mod delta;
pub mod edges;
pub mod error;
pub mod fsck;
pub mod hash;
pub mod kind;
pub mod oid;
pub mod parse;
pub mod source;
pub mod work;
pub mod zlib;

pub use cancel::CancelFlag;
pub use error::{Error, Result};
pub use hash::{Hasher, hash_object};
pub use kind::Kind;
pub use oid::{ObjectFormat, Oid};
pub use source::ObjectSource;
pub use work::WorkCount;
