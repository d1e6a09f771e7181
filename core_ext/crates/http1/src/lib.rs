//! Heads and chunked bodies of HTTP/1.1 (RFC 9112), without I/O: bytes in, facts or bytes out.
//!
//! Lines and fields are httparse's; what is added is what a server behind or before other servers must not let pass: two
//! readings of where a body ends, of which host is meant, or of where a line ends.

mod chunked;
mod error;
mod facts;
mod head;
mod response;
mod target;

pub use chunked::ChunkedBody;
pub use error::{Error, Result};
pub use facts::Facts;
pub use head::{FieldSpace, Head, Version};
pub use response::{BodyFraming, Response, ResponseHead};
pub use target::Target;

/// The largest length of a body or a chunk: what every peer can hold in a signed integer.
pub const MAX_LENGTH: u64 = i64::MAX as u64;
