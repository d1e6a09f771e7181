//! Changes laid over a stored tree.

use crate::folder::{Folder, is_folder};
use packhouse_object::Oid;
use std::collections::BTreeMap;

/// A folder with changes.
#[derive(Default)]
pub(crate) struct Changed {
    /// The stored tree under the changes.
    pub(crate) base: Option<Oid>,
    /// That tree, once it was read.
    pub(crate) stored: Option<Folder>,
    /// What changed, by name.
    pub(crate) nodes: BTreeMap<Vec<u8>, Node>,
    /// At least how many levels of changed folders are in it: they are visited by recursion.
    pub(crate) height: usize,
}

impl From<Option<Oid>> for Changed {
    fn from(base: Option<Oid>) -> Self {
        Self { base, ..Self::default() }
    }
}

/// What a name stands for after some edits.
pub(crate) enum Node {
    /// Nothing.
    Gone,
    /// An object that is not looked into.
    Entry(u32, Oid),
    /// A folder that edits went into.
    Folder(Box<Changed>),
}

impl Node {
    pub(crate) const fn is_folder(&self) -> bool {
        match self {
            Self::Gone => false,
            Self::Entry(mode, _) => is_folder(*mode),
            Self::Folder(_) => true,
        }
    }

    pub(crate) const fn height(&self) -> usize {
        match self {
            Self::Folder(folder) => folder.height + 1,
            _ => 0,
        }
    }
}
