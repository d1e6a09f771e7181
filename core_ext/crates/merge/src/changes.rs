//! What one side did to the files of the base, as far as renames may come of it.

use crate::paths::{Path, Version};
use std::collections::HashMap;

/// Why a deleted file's rename has to be found. What nobody needs is not looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceNeed {
    /// The other side changed the file.
    Content,
    /// The other side added to its folder, which may have been renamed.
    Location,
}

/// Why it has to be known where a removed folder went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FolderNeed {
    /// It has not.
    None,
    /// A folder above needs to know.
    Above,
    /// The other side added to the folder itself.
    Own,
}

/// A file, link or submodule at a path.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: Path,
    pub(crate) version: Version,
}

/// A file that a side has and the base has not (there).
#[derive(Clone, Debug)]
pub(crate) struct Addition {
    pub(crate) file: File,
    /// The file of the base that was renamed to it.
    pub(crate) source: Option<File>,
}

/// One side's changes.
#[derive(Default)]
pub(crate) struct Changes {
    pub(crate) additions: Vec<Addition>,
    pub(crate) deletions: Vec<File>,
    pub(crate) needed_sources: HashMap<Path, SourceNeed>,
    pub(crate) removed_folders: HashMap<Path, FolderNeed>,
}

impl Changes {
    pub(crate) fn add(&mut self, path: &Path, version: Option<Version>) {
        let file = version.map(|version| File { path: Path::clone(path), version });
        self.additions.extend(file.map(|file| Addition { file, source: None }));
    }

    pub(crate) fn delete(&mut self, path: &Path, version: Option<Version>, need: Option<SourceNeed>) {
        self.deletions.extend(version.map(|version| File { path: Path::clone(path), version }));
        if let Some(need) = need {
            self.needed_sources.insert(Path::clone(path), need);
        }
    }

    /// Whether there may be renames that matter.
    pub(crate) fn may_have_renames(&self) -> bool {
        !self.needed_sources.is_empty()
    }

    /// Whether a file was added or deleted at all.
    pub(crate) fn has_any(&self) -> bool {
        !self.additions.is_empty() || !self.deletions.is_empty()
    }

    pub(crate) fn folder_need(&self, folder: &[u8]) -> FolderNeed {
        self.removed_folders.get(folder).copied().unwrap_or(FolderNeed::None)
    }
}
