//! The header lines of commits and tags, read line by line.

use super::{Checked, Findings, Message};
use crate::{ObjectFormat, Oid};

/// The headers must be free of NUL and end with an empty line, or with the object's last newline.
pub fn check_shape(findings: &mut Findings<'_>, content: &[u8]) -> Checked {
    let end = memchr::memmem::find(content, b"\n\n").map_or(content.len(), |at| at + 1);
    if let Some(at) = memchr::memchr(0, &content[..end]) {
        return findings.add(Message::NulInHeader, &format!("NUL in the header, at byte {at}"));
    }
    if end == content.len() && content.last() != Some(&b'\n') {
        return findings.add(Message::UnterminatedHeader, "the header does not end");
    }
    Ok(())
}

/// What is left of an object, at the start of a line.
pub struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    pub const fn new(content: &'a [u8]) -> Self {
        Self { rest: content }
    }

    pub fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn starts_with(&self, prefix: &[u8]) -> bool {
        self.rest.starts_with(prefix)
    }

    /// The rest of the next line, if it starts with `key`; then that line is passed.
    pub fn value(&mut self, key: &[u8]) -> Option<&'a [u8]> {
        let value = self.rest.strip_prefix(key)?;
        let end = memchr::memchr(b'\n', value).unwrap_or(value.len());
        self.rest = value.get(end + 1..).unwrap_or_default();
        Some(&value[..end])
    }
}

/// Whether a value is the name of an object and nothing else.
pub fn is_oid(format: ObjectFormat, value: &[u8]) -> bool {
    value.len() == 2 * format.oid_len() && Oid::from_hex(value).is_ok()
}
