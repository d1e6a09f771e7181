//! Finding, putting and taking nodes, and writing the folders that changed.

use super::node::{Changed, Node};
use super::splice::spliced;
use super::{EditLimits, EditedTree};
use crate::folder::{FOLDER, Folder, is_folder};
use crate::path::{MAX_PATH_BYTES, NameCheck, invalid, names_of};
use packhouse_object::{CancelFlag, Error, Kind, Oid, Result, hash_object};
use packhouse_pack::Database;
use std::collections::HashSet;

/// The deepest folder: what a path of one-byte names can say. A move of folders could go on from there.
const MAX_DEPTH: usize = MAX_PATH_BYTES / 2;

/// Edits over the trees of a database.
pub(crate) struct Overlay<'a> {
    db: &'a Database,
    limits: &'a EditLimits,
    cancel: &'a CancelFlag,
    used_bytes: u64,
    check: NameCheck,
    new_trees: Vec<Vec<u8>>,
    written: HashSet<Oid>,
}

impl<'a> Overlay<'a> {
    pub(crate) fn new(db: &'a Database, limits: &'a EditLimits, cancel: &'a CancelFlag) -> Self {
        let check = NameCheck::new(db.format());
        Self { db, limits, cancel, used_bytes: 0, check, new_trees: Vec::new(), written: HashSet::new() }
    }

    /// Put an object at a path.
    pub(crate) fn write(&mut self, root: &mut Changed, path: &[u8], mode: Option<u32>, oid: Oid) -> Result<()> {
        let mode = match mode {
            Some(mode) => mode,
            None => self.kept_mode(root, &names_of(path)?)?,
        };
        if !matches!(mode, FOLDER | 0o100_644 | 0o100_755 | 0o120_000 | 0o160_000) {
            return Err(invalid(path, &format!("{mode:o} is none of the modes 100644, 100755, 120000, 160000, 40000")));
        }
        if oid.as_bytes().len() != self.db.format().oid_len() || oid.is_null() {
            return Err(invalid(path, &format!("{oid} is no object's id here")));
        }
        self.put(root, path, Node::Entry(mode, oid))
    }

    /// The mode that a file has which is written without one.
    fn kept_mode(&mut self, root: &mut Changed, names: &[&[u8]]) -> Result<u32> {
        let there = self.mode_at(root, names)?;
        Ok(there.filter(|mode| matches!(mode, 0o100_755 | 0o120_000)).unwrap_or(0o100_644))
    }

    /// The mode of what is at a path, if something is.
    fn mode_at(&mut self, root: &mut Changed, names: &[&[u8]]) -> Result<Option<u32>> {
        let Some((name, parents)) = names.split_last() else { return Ok(None) };
        let Some(folder) = self.folder_at(root, parents)? else { return Ok(None) };
        if let Some(node) = folder.nodes.get(*name) {
            return Ok(if let Node::Entry(mode, _) = node { Some(*mode) } else { None });
        }
        Ok(self.stored(folder)?.find(name).next().map(|found| found.mode))
    }

    /// Move what is at one path to another.
    pub(crate) fn rename(&mut self, root: &mut Changed, from: &[u8], to: &[u8]) -> Result<()> {
        let (old, new) = (names_of(from)?, names_of(to)?);
        let Some(node) = self.take(root, &old)? else { return Err(invalid(from, "nothing is there to be moved")) };
        if node.is_folder() && new.len() > old.len() && new.starts_with(&old) {
            return Err(invalid(to, "a folder cannot be moved into itself"));
        }
        self.put(root, to, node)
    }

    /// Take away what is at a path. Returns it, if there is something.
    pub(crate) fn take(&mut self, root: &mut Changed, names: &[&[u8]]) -> Result<Option<Node>> {
        let Some((name, parents)) = names.split_last() else { return Ok(None) };
        let Some(folder) = self.folder_at(root, parents)? else { return Ok(None) };
        let taken = match folder.nodes.remove(*name) {
            Some(node) => Some(node),
            None => self.stored(folder)?.find(name).next().map(|found| Node::Entry(found.mode, found.oid)),
        };
        if taken.is_some() {
            folder.nodes.insert(name.to_vec(), Node::Gone);
        }
        Ok(taken.filter(|node| !matches!(node, Node::Gone)))
    }

    /// The folder at a path, to go into, if one is there.
    fn folder_at<'f>(&mut self, root: &'f mut Changed, names: &[&[u8]]) -> Result<Option<&'f mut Changed>> {
        let mut folder = root;
        for (depth, name) in names.iter().enumerate() {
            folder.height = folder.height.max(names.len() - depth);
            match self.child(folder, name)? {
                Some(child) => folder = child,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    fn put(&mut self, root: &mut Changed, path: &[u8], node: Node) -> Result<()> {
        let names = names_of(path)?;
        let Some((name, parents)) = names.split_last() else { return Ok(()) };
        self.check_names(path, name, parents, &node)?;
        let mut folder = root;
        for (depth, parent) in parents.iter().enumerate() {
            folder.height = folder.height.max(parents.len() - depth + node.height());
            folder = self.made_child(folder, parent)?;
        }
        folder.height = folder.height.max(node.height());
        folder.nodes.insert(name.to_vec(), node);
        Ok(())
    }

    fn check_names(&mut self, path: &[u8], name: &[u8], parents: &[&[u8]], node: &Node) -> Result<()> {
        let depth = parents.len() + node.height();
        if depth > MAX_DEPTH {
            return Err(invalid(path, &format!("folders would be {depth} deep there, over the limit of {MAX_DEPTH}")));
        }
        // No id is null, and which one it is does not matter to a check of names.
        let some_oid = Oid::from_bytes(&[1; 32][..self.db.format().oid_len()])?;
        for parent in parents {
            self.check.check(path, parent, FOLDER, &some_oid)?;
        }
        let mode = if let Node::Entry(mode, _) = node { *mode } else { FOLDER };
        self.check.check(path, name, mode, &some_oid)
    }

    /// The folder of a name, to go into.
    fn child<'f>(&mut self, folder: &'f mut Changed, name: &[u8]) -> Result<Option<&'f mut Changed>> {
        if !folder.nodes.contains_key(name) {
            let Some(found) = self.stored(folder)?.find(name).find(|found| is_folder(found.mode)) else {
                return Ok(None);
            };
            folder.nodes.insert(name.to_vec(), Node::Entry(found.mode, found.oid));
        }
        Ok(folder.nodes.get_mut(name).and_then(opened))
    }

    /// The folder of a name; a new one in place of anything else.
    fn made_child<'f>(&mut self, folder: &'f mut Changed, name: &[u8]) -> Result<&'f mut Changed> {
        if self.child(folder, name)?.is_none() {
            folder.nodes.insert(name.to_vec(), Node::Folder(Box::default()));
        }
        let child = folder.nodes.get_mut(name).and_then(opened);
        Ok(child.unwrap_or_else(|| unreachable!("a folder was put there")))
    }

    /// The stored tree under a folder's changes.
    fn stored<'f>(&mut self, folder: &'f mut Changed) -> Result<&'f Folder> {
        if folder.stored.is_none() {
            let read = match &folder.base {
                Some(oid) => self.read(oid)?,
                None => Folder::empty(self.db.format()),
            };
            folder.stored = Some(read);
        }
        Ok(folder.stored.as_ref().unwrap_or_else(|| unreachable!("it was read")))
    }

    fn read(&mut self, oid: &Oid) -> Result<Folder> {
        self.cancel.check()?;
        self.use_bytes(self.db.size_of(self.db.require(oid)?)?)?;
        let folder = Folder::read(self.db, oid)?;
        self.use_bytes(folder.size_bytes() - folder.content().len() as u64)?;
        Ok(folder)
    }

    fn use_bytes(&mut self, bytes: u64) -> Result<()> {
        self.used_bytes = self.used_bytes.saturating_add(bytes);
        let (actual, limit) = (self.used_bytes, self.limits.max_memory_bytes);
        if actual > limit {
            return Err(Error::Limit { what: "memory for the trees on the paths, in bytes,", actual, limit });
        }
        Ok(())
    }

    /// Write what changed.
    pub(crate) fn finish(mut self, root: Changed) -> Result<EditedTree> {
        let root = match self.write_folder(root)? {
            Some(oid) => oid,
            None => self.add_tree(Vec::new())?,
        };
        Ok(EditedTree { root, new_trees: self.new_trees })
    }

    /// Write a folder, those in it first. Returns its id, or `None` if it became empty.
    fn write_folder(&mut self, mut folder: Changed) -> Result<Option<Oid>> {
        if folder.nodes.is_empty() {
            return Ok(folder.base);
        }
        self.stored(&mut folder)?;
        let mut entries = Vec::with_capacity(folder.nodes.len());
        for (name, node) in std::mem::take(&mut folder.nodes) {
            let entry = match node {
                Node::Gone => None,
                Node::Entry(mode, oid) => Some((mode, oid)),
                Node::Folder(folder) => self.write_folder(*folder)?.map(|oid| (FOLDER, oid)),
            };
            entries.push((name, entry));
        }
        let stored = self.stored(&mut folder)?;
        let content = spliced(stored, &entries);
        if content.is_empty() {
            return Ok(None);
        }
        if content == stored.content() {
            return Ok(folder.base);
        }
        self.add_tree(content).map(Some)
    }

    fn add_tree(&mut self, content: Vec<u8>) -> Result<Oid> {
        self.cancel.check()?;
        self.use_bytes(content.len() as u64)?;
        let oid = hash_object(self.db.format(), Kind::Tree, &content)?;
        if self.db.locate(&oid).is_none() && self.written.insert(oid) {
            self.new_trees.push(content);
        }
        Ok(oid)
    }
}

/// The folder that a node is, or can be read as.
fn opened(node: &mut Node) -> Option<&mut Changed> {
    if let Node::Entry(mode, oid) = node
        && is_folder(*mode)
    {
        *node = Node::Folder(Box::new(Changed::from(Some(*oid))));
    }
    match node {
        Node::Folder(folder) => Some(folder),
        _ => None,
    }
}
