//! Commits and tags taken apart (gitformat-commit is folklore: see `commit.c` and `tag.c` of Git).
//!
//! A header line is `key SP value`; a line that starts with a space continues the value before it. The first empty line
//! ends the headers, and the message follows. Bytes are kept as they are: an `encoding` header is the reader's business.

use crate::edges::{corrupt, oid_line, tag_target};
use crate::{Error, Kind, ObjectFormat, Oid, Result};

/// More header lines than any true object has; a hostile one could have one for every two bytes.
const MAX_HEADERS: usize = 4096;

/// A header's key and its value, unfolded: continuation lines are joined by newlines and lose their leading space.
pub type Header<'a> = (&'a [u8], Vec<u8>);

/// The parts of a commit.
#[derive(Debug, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// `name <email> seconds zone`.
    pub author: Vec<u8>,
    /// Likewise.
    pub committer: Vec<u8>,
    /// The other headers in stored order: `encoding`, `gpgsig`, `mergetag` and what else there may be.
    pub others: Vec<Header<'a>>,
    /// What follows the headers.
    pub message: &'a [u8],
}

/// The parts of an annotated tag.
#[derive(Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// What it names.
    pub target: Oid,
    /// The kind it says that has.
    pub kind: Kind,
    /// Its own name.
    pub name: Vec<u8>,
    /// `name <email> seconds zone`; very old tags have none.
    pub tagger: Option<Vec<u8>>,
    /// What follows the headers, a signature at its end included.
    pub message: &'a [u8],
}

/// Take a commit apart.
///
/// # Errors
/// `CorruptObject` if it does not start with `tree` and `parent` lines, or has no author or committer; `Limit` if it has
/// more than 4096 other headers.
pub fn commit(format: ObjectFormat, content: &[u8]) -> Result<Commit<'_>> {
    let (tree, mut rest) = oid_line(format, content, b"tree ")?;
    let mut parents = Vec::new();
    while rest.starts_with(b"parent ") {
        let (parent, after) = oid_line(format, rest, b"parent ")?;
        parents.push(parent);
        rest = after;
    }
    let (mut others, message) = headers(rest)?;
    let author = take(&mut others, b"author").ok_or_else(|| corrupt("commit without an author line"))?;
    let committer = take(&mut others, b"committer").ok_or_else(|| corrupt("commit without a committer line"))?;
    Ok(Commit { tree, parents, author, committer, others, message })
}

/// Take an annotated tag apart.
///
/// # Errors
/// `CorruptObject` if it does not start with `object` and `type` lines, or has no name; `Limit` as for [`commit`].
pub fn tag(format: ObjectFormat, content: &[u8]) -> Result<Tag<'_>> {
    let (target, kind) = tag_target(format, content)?;
    let (mut headers, message) = headers(content)?;
    let name = take(&mut headers, b"tag").ok_or_else(|| corrupt("tag without a name line"))?;
    Ok(Tag { target, kind, name, tagger: take(&mut headers, b"tagger"), message })
}

/// The header lines of an object, and the message after them.
fn headers(mut rest: &[u8]) -> Result<(Vec<Header<'_>>, &[u8])> {
    let mut headers: Vec<Header<'_>> = Vec::new();
    while !rest.is_empty() {
        if headers.len() > MAX_HEADERS {
            return Err(Error::Limit {
                what: "header lines of an object",
                actual: headers.len() as u64,
                limit: MAX_HEADERS as u64,
            });
        }
        let (line, after) = split_line(rest);
        rest = after;
        match (line.first(), headers.last_mut()) {
            (None, _) => break,
            (Some(b' '), Some((_, value))) => {
                value.push(b'\n');
                value.extend_from_slice(&line[1..]);
            }
            (Some(b' '), None) => return Err(corrupt("a continuation line that continues no header")),
            _ => headers.push(split_header(line)),
        }
    }
    Ok((headers, rest))
}

fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}

fn split_header(line: &[u8]) -> Header<'_> {
    let end = memchr::memchr(b' ', line).unwrap_or(line.len());
    (&line[..end], line.get(end + 1..).unwrap_or_default().to_vec())
}

fn take(headers: &mut Vec<Header<'_>>, key: &[u8]) -> Option<Vec<u8>> {
    let at = headers.iter().position(|(other, _)| *other == key)?;
    Some(headers.remove(at).1)
}
