//! Paths that callers give: names between slashes, from the root.

use packhouse_object::fsck::{Policy, Severity, check};
use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result};

/// The longest path in bytes: what Linux opens. Half as many folders are the deepest, which bounds recursion.
pub const MAX_PATH_BYTES: usize = 4096;

/// An argument that is the caller's mistake, and the path in it.
pub(crate) fn invalid(path: &[u8], what: &str) -> Error {
    Error::Invalid { what: format!("path {:?}: {what}", String::from_utf8_lossy(&path[..path.len().min(200)])) }
}

/// The names in a path.
///
/// # Errors
/// `Invalid` if it is too long, or a name is empty, `.` or `..` or has a NUL.
pub(crate) fn names_of(path: &[u8]) -> Result<Vec<&[u8]>> {
    if path.len() > MAX_PATH_BYTES {
        return Err(invalid(path, &format!("it has {} bytes, over the limit of {MAX_PATH_BYTES}", path.len())));
    }
    let names: Vec<_> = path.split(|&byte| byte == b'/').collect();
    let fault = names.iter().find_map(|name| match *name {
        b"" => Some("an empty name"),
        b"." | b".." => Some("a name that is '.' or '..'"),
        name => memchr::memchr(0, name).map(|_| "a NUL in a name"),
    });
    fault.map_or(Ok(names), |what| Err(invalid(path, what)))
}

/// Judges what is to stand in a tree as fsck would judge the tree.
pub(crate) struct NameCheck {
    format: ObjectFormat,
    policy: Policy,
    tree: Vec<u8>,
}

impl NameCheck {
    pub(crate) fn new(format: ObjectFormat) -> Self {
        Self { format, policy: Policy::default(), tree: Vec::new() }
    }

    /// Check one entry of a tree.
    ///
    /// # Errors
    /// `Invalid`, with the path that it belongs to.
    pub(crate) fn check(&mut self, path: &[u8], name: &[u8], mode: u32, oid: &Oid) -> Result<()> {
        self.tree.clear();
        append_entry(&mut self.tree, mode, name, oid);
        let mut fault = None;
        let mut report = |severity: Severity, _, sentence: &str| {
            if severity.refuses() {
                fault.get_or_insert_with(|| sentence.to_owned());
            }
        };
        check(&self.policy, self.format, Kind::Tree, &self.tree, &mut report, |_, _| ());
        fault.map_or(Ok(()), |sentence| Err(invalid(path, &sentence)))
    }
}

/// Write an entry as Git writes it.
pub(crate) fn append_entry(tree: &mut Vec<u8>, mode: u32, name: &[u8], oid: &Oid) {
    tree.extend_from_slice(format!("{mode:o} ").as_bytes());
    tree.extend_from_slice(name);
    tree.push(0);
    tree.extend_from_slice(oid.as_bytes());
}
