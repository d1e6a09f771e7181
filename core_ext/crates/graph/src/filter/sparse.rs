//! A walk over trees by path, for what a sparse checkout would populate.
//!
//! A blob passes if one of its paths does; a path of which the patterns say nothing goes with its folder, and all trees
//! pass. So a tree is entered again by another path, unless that cannot make a difference; see `visited.rs`.
//!
//! Few trees can make very many paths, if each stands in the next one twice. Then patterns that look at paths can cost as
//! much time as there are paths; so there is a limit, which is far above what histories of real projects take.
//!
//! Memory: a frame for each level of the path, of which there are `MAX_DEPTH` at most; the content of the trees on it, as
//! far as `MAX_RESIDENT_BYTES` reach (what does not fit is read again); what `visited.rs` takes.

use super::sieve::Sieve;
use super::sparse_patterns::{SparsePatterns, check};
use super::tree_depth::read_tree;
use super::visited::Visited;
use crate::closure::{named, require_edge};
use crate::recent::RecentOids;
use packhouse_object::edges::{TreeEntry, tree_entries};
use packhouse_object::{CancelFlag, Kind, Result};
use packhouse_pack::{BitSet, Content, Ordinal};

/// As Git's `core.maxTreeDepth`.
const MAX_DEPTH: usize = 2048;
/// No file system has longer paths.
const MAX_PATH_BYTES: usize = 1 << 16;
/// For trees on the way down: as many as a checkout has in most cases.
const MAX_RESIDENT_BYTES: usize = 1 << 20;

/// How often trees may be entered where their path matters, for each object of the database and on top of that.
const MAX_ENTERED_PER_OBJECT: usize = 16;
const MAX_ENTERED_AT_LEAST: usize = 1 << 18;

/// The walk. Give it one tree after the other.
pub(super) struct SparseWalk<'a> {
    patterns: &'a SparsePatterns,
    sieve: Sieve<'a>,
    cancel: &'a CancelFlag,
    /// Blobs that were met.
    recent: RecentOids,
    visited: Visited,
    /// How often a tree was entered where its path matters.
    entered: usize,
    /// Where the walk is; each folder with a slash after it.
    path: Vec<u8>,
    frames: Vec<Frame>,
    resident_bytes: usize,
}

/// A tree on the way down.
struct Frame {
    tree: Ordinal,
    /// How much of the path leads to it.
    path_len: usize,
    /// What becomes of that of which the patterns say nothing.
    inherited: bool,
    /// Whether patterns that name a path matter here.
    is_live: bool,
    /// Where in the content its next entry starts.
    at: usize,
    content: Option<Content>,
}

impl<'a> SparseWalk<'a> {
    pub(super) fn new(patterns: &'a SparsePatterns, sieve: Sieve<'a>, cancel: &'a CancelFlag) -> Self {
        let visited = Visited::new(sieve.db().ordinal_count());
        let (path, frames, recent) = (Vec::new(), Vec::new(), RecentOids::new());
        Self { patterns, sieve, cancel, recent, visited, entered: 0, path, frames, resident_bytes: 0 }
    }

    /// Walk what was asked for by name, if it is a tree: its entries stand in no folder.
    pub(super) fn walk_named(&mut self, content: Ordinal) -> Result<()> {
        if self.sieve.db().kind_of(content)? == Kind::Tree { self.walk(content, false) } else { Ok(()) }
    }

    pub(super) fn walk_root(&mut self, tree: Ordinal) -> Result<()> {
        self.walk(tree, self.patterns.includes_root())
    }

    /// What was met and passes.
    pub(super) fn into_kept(self) -> BitSet {
        self.sieve.into_kept()
    }

    fn walk(&mut self, root: Ordinal, inherited: bool) -> Result<()> {
        self.path.clear();
        let root = self.enter(root, inherited)?;
        self.frames.extend(root);
        while let Some(mut frame) = self.frames.pop() {
            let tree = frame.tree;
            let below = self.advance(&mut frame).map_err(|error| named(self.sieve.db(), tree, error))?;
            if let Some(below) = below {
                self.frames.extend([frame, below]);
            }
        }
        Ok(())
    }

    /// Look at entries up to a tree that is to be entered, and return that.
    fn advance(&mut self, frame: &mut Frame) -> Result<Option<Frame>> {
        let content = self.content_of(frame)?;
        for entry in tree_entries(self.sieve.db().format(), &content[frame.at..]) {
            self.cancel.check()?;
            let entry = entry?;
            frame.at += entry_len(&entry);
            self.path.truncate(frame.path_len);
            match entry.kind() {
                Some(Kind::Tree) => {
                    if let Some(below) = self.meet_tree(frame, &entry)? {
                        self.keep(frame, content.clone());
                        return Ok(Some(below));
                    }
                }
                Some(Kind::Blob) if self.recent.get(entry.oid.as_bytes()).is_none() => self.meet_blob(frame, &entry)?,
                _ => (),
            }
        }
        Ok(None)
    }

    fn meet_blob(&mut self, folder: &Frame, entry: &TreeEntry<'_>) -> Result<()> {
        if self.includes(folder, entry, false)? {
            let blob = require_edge(self.sieve.db(), folder.tree, &entry.oid)?;
            self.sieve.meet(blob, Kind::Blob)?;
            self.recent.add(entry.oid.as_bytes(), ());
        }
        Ok(())
    }

    fn meet_tree(&mut self, folder: &Frame, entry: &TreeEntry<'_>) -> Result<Option<Frame>> {
        let tree = require_edge(self.sieve.db(), folder.tree, &entry.oid)?;
        let inherited = self.includes(folder, entry, true)?;
        self.enter(tree, inherited)
    }

    /// Go into the tree at the path, unless everything there is decided.
    fn enter(&mut self, tree: Ordinal, inherited: bool) -> Result<Option<Frame>> {
        if self.sieve.is_border(tree) {
            return Ok(None);
        }
        self.sieve.meet(tree, Kind::Tree)?;
        let is_live = self.patterns.is_live(&self.path);
        if !self.is_new(tree, inherited, is_live)? {
            return Ok(None);
        }
        check("depth of a tree", self.frames.len() + 1, MAX_DEPTH)?;
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        Ok(Some(Frame { tree, path_len: self.path.len(), inherited, is_live, at: 0, content: None }))
    }

    fn is_new(&mut self, tree: Ordinal, inherited: bool, is_live: bool) -> Result<bool> {
        if !is_live {
            return Ok(self.visited.insert(tree, inherited));
        }
        let is_new = self.visited.insert_path(tree, inherited, &self.path);
        self.entered += usize::from(is_new);
        let per_object = MAX_ENTERED_PER_OBJECT.saturating_mul(self.sieve.db().ordinal_count() as usize);
        check(
            "count of trees entered by a sparse filter",
            self.entered,
            per_object.saturating_add(MAX_ENTERED_AT_LEAST),
        )?;
        Ok(is_new)
    }

    /// Whether an entry is included. The path is that of the entry afterwards.
    fn includes(&mut self, folder: &Frame, entry: &TreeEntry<'_>, is_dir: bool) -> Result<bool> {
        check("length of a path in bytes", folder.path_len.saturating_add(entry.name.len()), MAX_PATH_BYTES)?;
        self.path.extend_from_slice(entry.name);
        let decided = self.patterns.decide(&self.path, folder.path_len, is_dir, folder.is_live);
        Ok(decided.unwrap_or(folder.inherited))
    }

    fn content_of(&mut self, frame: &mut Frame) -> Result<Content> {
        match frame.content.take() {
            Some(content) => {
                self.resident_bytes -= content.len();
                Ok(content)
            }
            None => read_tree(self.sieve.db(), frame.tree),
        }
    }

    /// Keep the content of a tree while the walk is below it, if there is room.
    fn keep(&mut self, frame: &mut Frame, content: Content) {
        if self.resident_bytes + content.len() <= MAX_RESIDENT_BYTES {
            self.resident_bytes += content.len();
            frame.content = Some(content);
        }
    }
}

fn entry_len(entry: &TreeEntry<'_>) -> usize {
    entry.mode_digits.len() + 1 + entry.name.len() + 1 + entry.oid.as_bytes().len()
}
