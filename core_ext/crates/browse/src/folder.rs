//! A stored tree with the places of its entries, so that one of 100,000 is found without taking the others apart.

use packhouse_object::edges::{TreeEntry, tree_entries};
use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result};
use packhouse_pack::{Content, Database};
use std::cmp::Ordering;
use std::ops::Range;

/// The mode of a folder.
pub(crate) const FOLDER: u32 = 0o040_000;

/// Whether a mode is a folder's, as Git sees it.
pub(crate) const fn is_folder(mode: u32) -> bool {
    mode & 0o170_000 == FOLDER
}

/// The mode that Git makes of one that is stored: of old, files had others as well.
pub(crate) const fn canonical(mode: u32) -> u32 {
    match mode & 0o170_000 {
        kind @ (FOLDER | 0o120_000 | 0o160_000) => kind,
        _ if mode & 0o100 == 0 => 0o100_644,
        _ => 0o100_755,
    }
}

/// How much of a tree an entry takes, in bytes.
pub(crate) const fn len_of(entry: &TreeEntry<'_>, format: ObjectFormat) -> usize {
    entry.mode_digits.len() + entry.name.len() + format.oid_len() + 2
}

/// The content of a tree.
///
/// # Errors
/// `Missing`; `CorruptObject` if it is no tree; what reading can raise.
pub(crate) fn read_tree(db: &Database, oid: &Oid) -> Result<Content> {
    match db.read(db.require(oid)?, db.limits().max_object_bytes)? {
        (Kind::Tree, content) => Ok(content),
        (kind, _) => Err(corrupt(*oid, format!("a {kind} where a tree is needed"))),
    }
}

/// An error about an object whose name is known.
pub(crate) const fn corrupt(oid: Oid, what: String) -> Error {
    Error::CorruptObject { oid: Some(oid), what }
}

/// Say of an error in a tree's content which tree that is.
pub(crate) fn named(oid: &Oid, error: Error) -> Error {
    match error {
        Error::CorruptObject { oid: None, what } => corrupt(*oid, what),
        other => other,
    }
}

/// The order of entries in a tree: by name, a folder's name taken with a slash at its end.
pub(crate) fn order((left, left_mode): (&[u8], u32), (right, right_mode): (&[u8], u32)) -> Ordering {
    let common = left.len().min(right.len());
    let after = |name: &[u8], mode| name.get(common).copied().unwrap_or(if is_folder(mode) { b'/' } else { 0 });
    left[..common].cmp(&right[..common]).then_with(|| after(left, left_mode).cmp(&after(right, right_mode)))
}

/// An entry, and the bytes of the tree that it is.
pub(crate) struct Found {
    pub(crate) mode: u32,
    pub(crate) oid: Oid,
    pub(crate) bytes: Range<usize>,
}

/// A tree's content and where each of its entries starts: eight bytes for each, which has 24 or more itself.
pub(crate) struct Folder {
    format: ObjectFormat,
    content: Content,
    starts: Vec<usize>,
}

impl Folder {
    /// A folder without entries.
    pub(crate) fn empty(format: ObjectFormat) -> Self {
        Self { format, content: Vec::new().into(), starts: Vec::new() }
    }

    /// Read a tree and see that its entries are in order. Cost: one pass over them.
    ///
    /// # Errors
    /// As [`read_tree`]; `CorruptObject` for one that does not parse or is out of order, which nobody could search.
    pub(crate) fn read(db: &Database, oid: &Oid) -> Result<Self> {
        let content = read_tree(db, oid)?;
        let starts = starts_of(db.format(), &content).map_err(|error| named(oid, error))?;
        Ok(Self { format: db.format(), content, starts })
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    /// The memory that it takes.
    pub(crate) fn size_bytes(&self) -> u64 {
        (self.content.len() + self.starts.len() * size_of::<usize>()) as u64
    }

    /// The entries of a name: one, or in a tree that no Git writes, a file and a folder.
    pub(crate) fn find(&self, name: &[u8]) -> impl Iterator<Item = Found> {
        [0, FOLDER].into_iter().filter_map(move |mode| {
            let at = self.rank_of(name, mode);
            let entry = self.entry(*self.starts.get(at)?);
            (entry.name == name && is_folder(entry.mode) == is_folder(mode)).then(|| {
                let bytes = self.starts[at]..self.start(at + 1);
                Found { mode: entry.mode, oid: entry.oid, bytes }
            })
        })
    }

    /// Where an entry of that name and mode stands, or would stand.
    pub(crate) fn place_of(&self, name: &[u8], mode: u32) -> usize {
        self.start(self.rank_of(name, mode))
    }

    /// How many entries come before one of that name and mode.
    fn rank_of(&self, name: &[u8], mode: u32) -> usize {
        self.starts.partition_point(|&start| {
            let entry = self.entry(start);
            order((entry.name, entry.mode), (name, mode)) == Ordering::Less
        })
    }

    fn start(&self, rank: usize) -> usize {
        self.starts.get(rank).copied().unwrap_or(self.content.len())
    }

    fn entry(&self, start: usize) -> TreeEntry<'_> {
        let entry = tree_entries(self.format, &self.content[start..]).next();
        entry.and_then(Result::ok).unwrap_or_else(|| unreachable!("every entry was parsed when the tree was read"))
    }
}

fn starts_of(format: ObjectFormat, content: &[u8]) -> Result<Vec<usize>> {
    let mut starts = Vec::new();
    for_each_in_order(format, content, |start| starts.push(start))?;
    Ok(starts)
}

/// Visit where each entry of a tree starts, and see that they are in order and no name has a slash: who searches a tree, or
/// goes on in it behind a path, relies on that.
///
/// # Errors
/// `CorruptObject` for a tree of which it is not true, or that does not parse.
pub(crate) fn for_each_in_order(format: ObjectFormat, content: &[u8], mut visit: impl FnMut(usize)) -> Result<()> {
    let (mut start, mut last) = (0, None::<TreeEntry<'_>>);
    for entry in tree_entries(format, content) {
        let entry = entry?;
        let in_order = |last: TreeEntry<'_>| order((last.name, last.mode), (entry.name, entry.mode)) == Ordering::Less;
        if !last.is_none_or(in_order) || memchr::memchr(b'/', entry.name).is_some() {
            let what = format!("its entry {:?} is out of order or has a slash", String::from_utf8_lossy(entry.name));
            return Err(Error::CorruptObject { oid: None, what });
        }
        visit(start);
        start += len_of(&entry, format);
        last = Some(entry);
    }
    Ok(())
}
