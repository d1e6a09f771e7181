//! Merged trees, written from their leaves to the root.

use crate::paths::{Path, TREE, Version, split};
use packhouse_gix::Objects;
use packhouse_object::{Kind, Result};
use std::collections::HashMap;

/// Entries by the folder that they are in, until that is written.
pub(crate) struct Trees<'a> {
    objects: &'a Objects<'a>,
    open: HashMap<Path, Vec<(Path, Version)>>,
}

impl<'a> Trees<'a> {
    pub(crate) fn new(objects: &'a Objects<'a>) -> Self {
        Self { objects, open: HashMap::new() }
    }

    /// Put an entry into its folder.
    pub(crate) fn add(&mut self, path: &Path, version: Version) {
        let (folder, _) = split(path);
        match self.open.get_mut(folder) {
            Some(entries) => entries.push((Path::clone(path), version)),
            None => _ = self.open.insert(folder.into(), vec![(Path::clone(path), version)]),
        }
    }

    /// Write a folder of which all entries are known; `None` if it has none.
    pub(crate) fn write(&mut self, folder: &[u8]) -> Result<Option<Version>> {
        let Some(mut entries) = self.open.remove(folder) else { return Ok(None) };
        entries.sort_by(|left, right| order_key(left).cmp(order_key(right)));
        let mut content = Vec::new();
        for (path, version) in &entries {
            content.extend_from_slice(format!("{:o} ", version.mode).as_bytes());
            content.extend_from_slice(split(path).1);
            content.push(0);
            content.extend_from_slice(version.oid.as_bytes());
        }
        let oid = self.objects.write_object(Kind::Tree, &content)?;
        Ok(Some(Version { mode: TREE, oid }))
    }
}

/// Entries are in the order of their names, where a folder's ends with a slash.
fn order_key(entry: &(Path, Version)) -> impl Iterator<Item = u8> {
    let (path, version) = entry;
    split(path).1.iter().copied().chain((version.mode == TREE).then_some(b'/'))
}
