//! What is asked of every received object: Git's fsck, and its outgoing edges.

use crate::edge_table::EdgeTable;
use crate::tree_edges::for_each_added_edge;
use hashbrown::HashSet;
use packhouse_object::edges::for_each_edge;
use packhouse_object::fsck::{self, Policy, Severity, SpecialFile, Unchecked};
use packhouse_object::{Error, Kind, ObjectFormat, ObjectSource, Oid, Result};
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many warnings are kept, those of the least ids.
const MAX_WARNINGS: usize = 100;

/// A finding that refuses nothing: (object, message id, sentence).
pub type Warning = (Oid, &'static str, String);

/// What all threads of an ingest found out about its objects.
pub(crate) struct Checks {
    format: ObjectFormat,
    policy: Arc<Policy>,
    pub edges: EdgeTable,
    warnings: Mutex<BTreeSet<Warning>>,
    gitmodules: Mutex<HashSet<Oid>>,
    gitattributes: Mutex<HashSet<Oid>>,
}

impl Checks {
    pub fn new(format: ObjectFormat, policy: Arc<Policy>) -> Self {
        Self {
            format,
            policy,
            edges: EdgeTable::new(format),
            warnings: Mutex::default(),
            gitmodules: Mutex::default(),
            gitattributes: Mutex::default(),
        }
    }

    /// Check one object, and note its edges.
    ///
    /// base: the content of another object of the pack, of the same kind, that was checked before and is much like it.
    pub fn object(&self, oid: &Oid, kind: Kind, content: &[u8], base: Option<&[u8]>) -> Result<()> {
        if kind == Kind::Blob {
            return Ok(()); // nothing to check, unless a tree gives it a special name, and no edges
        }
        self.collect(oid, |report| {
            fsck::check(&self.policy, self.format, kind, content, report, |file, blob| {
                self.special(file).lock().insert(blob);
            });
        })?;
        let note = |target: Oid, expected| {
            self.edges.insert(&target, expected);
            Ok(())
        };
        let noted = match base {
            Some(base) if kind == Kind::Tree => for_each_added_edge(self.format, base, content, note),
            _ => for_each_edge(self.format, kind, content, note),
        };
        noted.map_err(|error| named(*oid, error))
    }

    /// Check the content of every blob that a tree calls by a special name, once all objects are there.
    ///
    /// own: the pack's objects, which come first; known: what was stored before.
    pub fn special_files(&self, own: &dyn ObjectSource, known: &dyn ObjectSource, max_bytes: u64) -> Result<()> {
        for file in [SpecialFile::Gitmodules, SpecialFile::Gitattributes] {
            let mut blobs: Vec<Oid> = std::mem::take(&mut *self.special(file).lock()).into_iter().collect();
            blobs.sort_unstable(); // so that the same pack is refused for the same reason every time
            for oid in &blobs {
                let content = content_of(oid, own, known, max_bytes)?;
                self.collect(oid, |report| match &content {
                    Ok(content) => fsck::check_special(&self.policy, file, content, report),
                    Err(why) => fsck::report_unchecked(&self.policy, file, *why, report),
                })?;
            }
        }
        Ok(())
    }

    /// The warnings, and the edges.
    pub fn into_parts(self) -> (Vec<Warning>, EdgeTable) {
        (self.warnings.into_inner().into_iter().collect(), self.edges)
    }

    /// Run a check; what refuses the object becomes an error, the rest a warning.
    fn collect(&self, oid: &Oid, check: impl FnOnce(&mut fsck::Report<'_>)) -> Result<()> {
        let mut refusal = None;
        check(&mut |severity: Severity, id, sentence: &str| {
            if severity.refuses() {
                refusal.get_or_insert_with(|| Error::Fsck { oid: *oid, id, message: sentence.to_owned() });
            } else {
                self.warn((*oid, id, sentence.to_owned()));
            }
        });
        refusal.map_or(Ok(()), Err)
    }

    fn warn(&self, warning: Warning) {
        let mut warnings = self.warnings.lock();
        warnings.insert(warning);
        if warnings.len() > MAX_WARNINGS {
            warnings.pop_last();
        }
    }

    const fn special(&self, file: SpecialFile) -> &Mutex<HashSet<Oid>> {
        match file {
            SpecialFile::Gitmodules => &self.gitmodules,
            SpecialFile::Gitattributes => &self.gitattributes,
        }
    }
}

fn content_of(
    oid: &Oid,
    own: &dyn ObjectSource,
    known: &dyn ObjectSource,
    max_bytes: u64,
) -> Result<std::result::Result<Vec<u8>, Unchecked>> {
    for source in [own, known] {
        match source.kind_of(oid)? {
            None => {}
            Some(Kind::Blob) => {
                return match source.read(oid, max_bytes) {
                    Ok(read) => Ok(read.map(|(_, content)| content).ok_or(Unchecked::Missing)),
                    Err(Error::Limit { .. }) => Ok(Err(Unchecked::TooLarge)),
                    Err(error) => Err(error),
                };
            }
            Some(_) => return Ok(Err(Unchecked::NotABlob)),
        }
    }
    Ok(Err(Unchecked::Missing))
}

/// The parsers do not know the names of what they parse.
fn named(oid: Oid, error: Error) -> Error {
    match error {
        Error::CorruptObject { oid: None, what } => Error::CorruptObject { oid: Some(oid), what },
        other => other,
    }
}
