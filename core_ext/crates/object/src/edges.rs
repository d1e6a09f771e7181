//! What an object refers to: the outgoing edges of the object graph.
//!
//! A submodule's commit is no edge (design, law 1).

use crate::{Error, Kind, ObjectFormat, Oid, Result};

/// Call `visit(target, kind the target must have)` for each edge of an object, in the order they stand in it.
///
/// A commit's tree comes first, then its parents. The kind of a tag's target is the one that the tag names.
///
/// # Errors
/// `CorruptObject` if the content does not parse; edges before the damage were visited.
pub fn for_each_edge(
    format: ObjectFormat,
    kind: Kind,
    content: &[u8],
    mut visit: impl FnMut(Oid, Kind) -> Result<()>,
) -> Result<()> {
    match kind {
        Kind::Blob => Ok(()),
        Kind::Tree => tree_entries(format, content).try_for_each(|entry| {
            let entry = entry?;
            entry.kind().map_or(Ok(()), |kind| visit(entry.oid, kind))
        }),
        Kind::Commit => commit_edges(format, content, visit),
        Kind::Tag => {
            let (oid, target) = tag_target(format, content)?;
            visit(oid, target)
        }
    }
}

/// One entry of a tree: `mode SP name NUL oid`.
#[derive(Clone, Copy, Debug)]
pub struct TreeEntry<'a> {
    /// The mode's value, its octal digits read.
    pub mode: u32,
    /// The mode's digits as they stand, so that zero padding shows.
    pub mode_digits: &'a [u8],
    /// The file name, one path component.
    pub name: &'a [u8],
    /// What the entry names.
    pub oid: Oid,
}

impl TreeEntry<'_> {
    /// The kind of the object it names; `None` for a submodule.
    #[must_use]
    pub const fn kind(&self) -> Option<Kind> {
        match self.mode & 0o170_000 {
            0o040_000 => Some(Kind::Tree),
            0o160_000 => None,
            _ => Some(Kind::Blob),
        }
    }
}

/// The entries of a tree, in stored order, each checked as it is reached.
pub fn tree_entries(format: ObjectFormat, content: &[u8]) -> impl Iterator<Item = Result<TreeEntry<'_>>> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = split_entry(format, rest);
        rest = match &entry {
            Ok((_, after)) => after,
            Err(_) => &[],
        };
        Some(entry.map(|(entry, _)| entry))
    })
}

fn split_entry(format: ObjectFormat, bytes: &[u8]) -> Result<(TreeEntry<'_>, &[u8])> {
    let (mode, mode_digits, rest) = split_mode(bytes)?;
    let nul = memchr::memchr(0, rest).ok_or_else(|| corrupt("truncated tree entry"))?;
    let name = &rest[..nul];
    if name.is_empty() {
        return Err(corrupt("empty filename in tree entry"));
    }
    let (oid, rest) =
        rest[nul + 1..].split_at_checked(format.oid_len()).ok_or_else(|| corrupt("truncated tree entry"))?;
    Ok((TreeEntry { mode, mode_digits, name, oid: Oid::from_bytes(oid)? }, rest))
}

/// A mode is as many octal digits as stand before the first space; like Git, what does not fit is shifted out.
fn split_mode(bytes: &[u8]) -> Result<(u32, &[u8], &[u8])> {
    let mut mode = 0u32;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'7' => mode = mode << 3 | u32::from(byte - b'0'),
            b' ' if at > 0 => return Ok((mode, &bytes[..at], &bytes[at + 1..])),
            _ => break,
        }
    }
    Err(corrupt("malformed mode in tree entry"))
}

/// The tree of a commit, and its parents in order.
///
/// # Errors
/// `CorruptObject` if the header lines are not `tree <oid>` and then `parent <oid>` lines.
pub fn commit_edges(
    format: ObjectFormat,
    content: &[u8],
    mut visit: impl FnMut(Oid, Kind) -> Result<()>,
) -> Result<()> {
    let (tree, mut rest) = oid_line(format, content, b"tree ")?;
    visit(tree, Kind::Tree)?;
    while rest.starts_with(b"parent ") {
        let (parent, after) = oid_line(format, rest, b"parent ")?;
        visit(parent, Kind::Commit)?;
        rest = after;
    }
    Ok(())
}

/// What a tag names, and the kind it says that has.
///
/// # Errors
/// `CorruptObject` if the header lines are not `object <oid>` and `type <kind>`.
pub fn tag_target(format: ObjectFormat, content: &[u8]) -> Result<(Oid, Kind)> {
    let (oid, rest) = oid_line(format, content, b"object ")?;
    let kind = rest
        .strip_prefix(b"type ")
        .and_then(|rest| Some(&rest[..memchr::memchr(b'\n', rest)?]))
        .and_then(|name| std::str::from_utf8(name).ok())
        .and_then(Kind::from_name)
        .ok_or_else(|| corrupt("tag without a valid type line"))?;
    Ok((oid, kind))
}

pub(crate) fn oid_line<'a>(format: ObjectFormat, bytes: &'a [u8], key: &'static [u8]) -> Result<(Oid, &'a [u8])> {
    let bad = || corrupt(&format!("no valid {:?} line", String::from_utf8_lossy(key).trim_end()));
    let digits = format.oid_len() * 2;
    let rest = bytes.strip_prefix(key).ok_or_else(bad)?;
    if rest.get(digits) != Some(&b'\n') {
        return Err(bad());
    }
    Ok((Oid::from_hex(&rest[..digits])?, &rest[digits + 1..]))
}

pub(crate) fn corrupt(what: &str) -> Error {
    Error::CorruptObject { oid: None, what: what.to_owned() }
}
