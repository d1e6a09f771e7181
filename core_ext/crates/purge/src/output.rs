//! New objects, in as many packs as they need: how many there will be is known only at the end.

use crate::similar::Similar;
use hashbrown::HashSet;
use packhouse_ingest::{PackWriter, QuarantinedPack};
use packhouse_object::{Kind, Oid, Result, delta, hash_object, zlib};
use packhouse_pack::{Database, EntryHeader, EntryKind};
use std::path::{Path, PathBuf};

/// Where new objects go.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// A folder for packs, in quarantine.
    pub folder: &'a Path,
    /// About so many bytes of a pack lie in memory until it is written.
    pub batch_bytes: usize,
    /// The zlib level.
    pub level: u32,
}

/// Takes objects that are not stored yet, each once.
pub(crate) struct Output<'a> {
    db: &'a Database,
    folder: PathBuf,
    batch_bytes: usize,
    level: u32,
    written: HashSet<Oid>,
    /// Entries of the pack to come, one after the other, and where each ends.
    entries: Vec<u8>,
    ends: Vec<(Oid, usize)>,
    similar: Similar,
    packs: Vec<QuarantinedPack>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(db: &'a Database, target: Target<'_>) -> Self {
        Self {
            db,
            folder: target.folder.to_owned(),
            batch_bytes: target.batch_bytes,
            level: target.level,
            written: HashSet::new(),
            entries: Vec::new(),
            ends: Vec::new(),
            similar: Similar::default(),
            packs: Vec::new(),
        }
    }

    /// Take an object, unless it is stored or was taken. Returns its id.
    pub(crate) fn add(&mut self, kind: Kind, content: &[u8]) -> Result<Oid> {
        let oid = hash_object(self.db.format(), kind, content)?;
        if self.db.locate(&oid).is_none() && self.written.insert(oid) {
            self.append(kind, content);
            self.ends.push((oid, self.entries.len()));
            if self.entries.len() >= self.batch_bytes {
                self.write_pack()?;
            }
        }
        Ok(oid)
    }

    /// Append an entry: a tree as a delta, if there is a version before it that it resembles.
    fn append(&mut self, kind: Kind, content: &[u8]) {
        let start = self.entries.len();
        let base = if kind == Kind::Tree { self.similar.base_of(content) } else { None };
        let delta = base.and_then(|base| Some((base, delta::encode(&base.content, content, content.len() / 2)?)));
        let depth = match delta {
            Some((base, delta)) => {
                let back = EntryKind::OfsDelta((start - base.start) as u64);
                EntryHeader::write(back, delta.len() as u64, &mut self.entries);
                self.entries.extend_from_slice(&zlib::deflate(&delta, self.level));
                base.depth + 1
            }
            None => {
                EntryHeader::write(EntryKind::Whole(kind), content.len() as u64, &mut self.entries);
                self.entries.extend_from_slice(&zlib::deflate(content, self.level));
                0
            }
        };
        if kind == Kind::Tree {
            self.similar.put(content, start, depth);
        }
    }

    pub(crate) fn finish(mut self) -> Result<Vec<QuarantinedPack>> {
        if !self.ends.is_empty() {
            self.write_pack()?;
        }
        Ok(self.packs)
    }

    fn write_pack(&mut self) -> Result<()> {
        let path = self.folder.join(format!("{}.pack", self.packs.len()));
        let count = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        let mut writer = PackWriter::new(&path, 0, self.db.format(), count);
        let mut start = 0;
        for (oid, end) in self.ends.drain(..) {
            writer.add(&oid, [&self.entries[start..end], &[]])?;
            start = end;
        }
        self.entries.clear();
        self.similar.clear(); // bases are in the same pack
        self.packs.push(writer.finish()?);
        Ok(())
    }
}
