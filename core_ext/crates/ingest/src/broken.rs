//! The rare path of law 1: a pack that brings objects whose closure is not whole.
//!
//! Clients send such objects, unreachable ones mostly, and Git's server keeps them. Here they would break the rule that
//! presence implies closure, so what is broken is left out, unless a tip needs it.

use crate::ingest::{Ingest, database};
use crate::ingested::IngestedPack;
use crate::intake::PackHashes;
use hashbrown::HashSet;
use packhouse_object::edges::for_each_edge;
use packhouse_object::{Error, Kind, ObjectSource, Oid, Result, zlib};
use packhouse_pack::{BitSet, Database, EntryHeader, EntryKind, Pack};
use std::path::Path;
use std::sync::Arc;

const DEFLATE_LEVEL: u32 = 6;

impl IngestedPack {
    /// A new pack of the objects whose closure is whole, in a quarantine file at `path` if it is not small.
    ///
    /// Cost: reads every commit, tree and tag of the pack once, and inflates and checks what is kept again. Memory: 8 bytes
    /// an object, and 8 for each edge between commits, trees and tags.
    ///
    /// # Errors
    /// `Missing` for a tip that is nowhere, `MissingEdge` for one whose closure is not whole; as [`Ingest::finish`].
    pub fn without_broken(&self, path: &Path, tips: &[Oid], known: &dyn ObjectSource) -> Result<Self> {
        let missing = self.missing_edges(known, usize::MAX)?.into_iter().collect();
        let survey = Survey::new(self, missing)?;
        tips.iter().try_for_each(|tip| survey.check_tip(tip, known))?;
        survey.copy_whole(path)?.finish(known)
    }
}

/// Which objects of a pack are broken. Objects are named by position.
struct Survey<'a> {
    ingested: &'a IngestedPack,
    pack: &'a Arc<Pack>,
    db: Database,
    missing: HashSet<(Oid, Kind)>,
    broken: BitSet,
}

impl<'a> Survey<'a> {
    fn new(ingested: &'a IngestedPack, missing: HashSet<(Oid, Kind)>) -> Result<Self> {
        let (options, pack) = (&ingested.options, ingested.pack());
        let db = database(pack, options)?;
        let mut survey = Self { ingested, pack, db, missing, broken: BitSet::new(pack.len()) };
        let links = survey.find_directly_broken()?;
        survey.propagate(links);
        Ok(survey)
    }

    /// Mark what refers to something missing. Returns (target, source) of the other edges that could be broken later.
    fn find_directly_broken(&mut self) -> Result<Vec<(u32, u32)>> {
        let mut links = Vec::new();
        for &position in self.pack.pack_order()? {
            let mut is_broken = false;
            self.edges_of(position, |target, kind| {
                if self.missing.contains(&(target, kind)) {
                    is_broken = true;
                } else if kind != Kind::Blob
                    && let Some(found) = self.pack.index().find(&target)
                {
                    links.push((found, position));
                }
                Ok(())
            })?;
            if is_broken {
                self.broken.insert(position);
            }
        }
        Ok(links)
    }

    fn propagate(&mut self, mut links: Vec<(u32, u32)>) {
        links.sort_unstable();
        let mut spreading: Vec<u32> = self.broken.iter().collect();
        while let Some(target) = spreading.pop() {
            let start = links.partition_point(|&(other, _)| other < target);
            for &(_, source) in links[start..].iter().take_while(|&&(other, _)| other == target) {
                if self.broken.insert(source) {
                    spreading.push(source);
                }
            }
        }
    }

    /// Visit the edges of an own object. What was not sent was stored before, and has its closure.
    fn edges_of(&self, position: u32, visit: impl FnMut(Oid, Kind) -> Result<()>) -> Result<()> {
        self.ingested.options.cancel.check()?;
        let kinds = &self.ingested.facts.kinds;
        if !kinds.is_own(position) || kinds.kind(position) == Some(Kind::Blob) {
            return Ok(());
        }
        let (kind, content) = self.db.read(position, self.ingested.options.max_resident_object_bytes)?;
        for_each_edge(self.ingested.options.format, kind, &content, visit)
    }

    fn check_tip(&self, tip: &Oid, known: &dyn ObjectSource) -> Result<()> {
        match self.pack.index().find(tip) {
            Some(position) if self.broken.get(position) => Err(self.first_missing(position)?),
            None if known.kind_of(tip)?.is_none() => Err(Error::Missing { oid: *tip }),
            _ => Ok(()),
        }
    }

    /// The first edge below a broken object that leads nowhere.
    fn first_missing(&self, mut position: u32) -> Result<Error> {
        loop {
            let from = Oid::from_bytes(self.pack.index().oid_at(position))?;
            let mut next = None;
            let mut missing = None;
            self.edges_of(position, |target, kind| {
                if self.missing.contains(&(target, kind)) {
                    missing.get_or_insert(target);
                } else if let Some(found) = self.pack.index().find(&target).filter(|&found| self.broken.get(found)) {
                    next.get_or_insert(found);
                }
                Ok(())
            })?;
            match (missing, next) {
                (Some(oid), _) => return Ok(Error::MissingEdge { oid, from }),
                (None, Some(below)) => position = below,
                (None, None) => return Ok(Error::Missing { oid: from }), // never: nothing is broken without a cause
            }
        }
    }

    /// Receive, from ourselves, a pack of all that is not broken.
    fn copy_whole(&self, path: &Path) -> Result<Ingest> {
        let count = self.pack.len() - self.broken.count();
        let mut copy = Copy { ingest: Ingest::new(path, self.ingested.options.clone()), hashes: self.hashes(), len: 0 };
        copy.put(b"PACK\0\0\0\x02")?;
        copy.put(&count.to_be_bytes())?;
        let mut new_offsets = vec![0; self.pack.len() as usize];
        for &position in self.pack.pack_order()?.iter().filter(|&&position| !self.broken.get(position)) {
            new_offsets[position as usize] = copy.len;
            self.copy_entry(position, &new_offsets, &mut copy)?;
        }
        copy.end()
    }

    fn copy_entry(&self, position: u32, new_offsets: &[u64], copy: &mut Copy) -> Result<()> {
        let offset = self.pack.index().offset_at(position);
        let header = self.pack.header_at(offset)?;
        let base = match self.pack.base_offset(offset, &header)? {
            Some(base_offset) => self.pack.position_of_offset(base_offset)?,
            None => None,
        };
        if base.is_some_and(|base| self.broken.get(base)) {
            let (kind, content) = self.db.read(position, self.ingested.options.max_resident_object_bytes)?;
            copy.put_header(EntryKind::Whole(kind), content.len() as u64)?;
            return copy.put(&zlib::deflate(&content, DEFLATE_LEVEL));
        }
        let kind = match (header.kind, base) {
            (EntryKind::OfsDelta(_), Some(base)) => EntryKind::OfsDelta(copy.len - new_offsets[base as usize]),
            (kind, _) => kind,
        };
        copy.put_header(kind, header.size)?;
        copy.put(&self.pack.entry_bytes(offset)?[header.len..])
    }

    fn hashes(&self) -> PackHashes {
        PackHashes::new(self.ingested.options.format)
    }
}

/// The pack that is being written, and taken in at once.
struct Copy {
    ingest: Ingest,
    hashes: PackHashes,
    len: u64,
}

impl Copy {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hashes.update(bytes);
        self.len += bytes.len() as u64;
        self.ingest.feed(bytes).map(drop)
    }

    fn put_header(&mut self, kind: EntryKind, size: u64) -> Result<()> {
        let mut header = Vec::new();
        EntryHeader::write(kind, size, &mut header);
        self.put(&header)
    }

    fn end(mut self) -> Result<Ingest> {
        let (trailer, _) = self.hashes.finish()?;
        self.ingest.feed(trailer.as_bytes())?;
        Ok(self.ingest)
    }
}
