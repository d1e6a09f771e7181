//! Deltas against objects that the sender knew to be here: a thin pack.
//!
//! Their bases are read from what is known and become entries at the end of the pack, so that the stored pack needs no
//! other (git-index-pack(1), `--fix-thin`).

use crate::entries::Entries;
use crate::names::Names;
use crate::quarantine::Quarantine;
use crate::resolve::Resolver;
use crate::share::Seed;
use packhouse_object::{Error, Kind, ObjectFormat, ObjectSource, Oid, Result, hash_object, zlib};
use packhouse_pack::{EntryHeader, EntryKind};

/// Git's own level for what it writes to disk.
const DEFLATE_LEVEL: u32 = 6;

/// Resolve the deltas whose bases are no entries of the pack. Returns the bases, in the order of the first delta on each.
///
/// `resolver.outside` must be the ids of `pending`, and `pending` the unclaimed bases.
pub(crate) fn resolve_outside(resolver: &Resolver<'_>, pending: &[(u32, Oid)]) -> Result<Vec<Oid>> {
    let mut bases = begin_together(resolver, pending)?;
    if turned_up_inside(resolver, &bases) {
        // A base that is known is also made by a delta of this pack. That the sender meant its own copy shows only when
        // the deltas are resolved in the order of the pack, as its Git would.
        resolver.forest.release(pending);
        bases = begin_one_by_one(resolver, pending)?;
    }
    match resolver.forest.unclaimed().first() {
        None => Ok(bases),
        Some((index, base)) => Err(Error::CorruptPack {
            offset: resolver.entries.offset(*index),
            what: format!("unresolved deltas: base {base} missing"),
        }),
    }
}

fn begin_together(resolver: &Resolver<'_>, pending: &[(u32, Oid)]) -> Result<Vec<Oid>> {
    let mut seeds = Vec::new();
    let mut bases = Vec::new();
    for (at, (_, oid)) in pending.iter().enumerate() {
        if let Some(kind) = resolver.known.kind_of(oid)? {
            seeds.push(seed(resolver, at, oid, kind));
            bases.push(*oid);
        }
    }
    resolver.run(seeds, resolver.options.threads)?;
    Ok(bases)
}

fn begin_one_by_one(resolver: &Resolver<'_>, pending: &[(u32, Oid)]) -> Result<Vec<Oid>> {
    let mut bases = Vec::new();
    for (at, (_, oid)) in pending.iter().enumerate() {
        let Some(kind) = resolver.known.kind_of(oid)? else { continue };
        let seed = seed(resolver, at, oid, kind);
        if !seed.children.is_empty() {
            bases.push(*oid);
            resolver.run(vec![seed], 1)?;
        }
    }
    Ok(bases)
}

fn seed(resolver: &Resolver<'_>, at: usize, oid: &Oid, kind: Kind) -> Seed {
    #[allow(clippy::cast_possible_truncation)] // no more bases than deltas, and those are counted in 32 bits
    let index = resolver.entries.len() + at as u32;
    Seed { index, kind, children: resolver.forest.children_outside(oid) }
}

fn turned_up_inside(resolver: &Resolver<'_>, bases: &[Oid]) -> bool {
    let mut sorted: Vec<&[u8]> = bases.iter().map(Oid::as_bytes).collect();
    sorted.sort_unstable();
    let names = resolver.context.names.lock();
    (0..resolver.entries.len())
        .any(|index| names.kind(index).is_some() && sorted.binary_search(&names.raw_oid(index)).is_ok())
}

/// Append the bases to the pack as whole objects, in the place of its trailer.
pub(crate) fn append(
    quarantine: &mut Quarantine,
    entries: &mut Entries,
    names: &mut Names,
    bases: &[Oid],
    source: &Source<'_>,
) -> Result<()> {
    for oid in bases {
        let (kind, content) = source.read(oid)?;
        let mut entry = Vec::new();
        EntryHeader::write(EntryKind::Whole(kind), content.len() as u64, &mut entry);
        entry.extend_from_slice(&zlib::deflate(&content, DEFLATE_LEVEL));
        let index = entries.append(entry.len() as u64, crc32fast::hash(&entry));
        names.set(index, oid, kind);
        quarantine.append(&entry)?;
    }
    Ok(())
}

/// Where bases are read from, and how large they may be.
pub(crate) struct Source<'a> {
    pub known: &'a dyn ObjectSource,
    pub max_bytes: u64,
    pub format: ObjectFormat,
}

impl Source<'_> {
    /// A stored object, its name verified: damage to what is stored must not spread to another pack.
    fn read(&self, oid: &Oid) -> Result<(Kind, Vec<u8>)> {
        let (kind, content) = self.known.read(oid, self.max_bytes)?.ok_or(Error::Missing { oid: *oid })?;
        let name = hash_object(self.format, kind, &content)?;
        if name == *oid {
            return Ok((kind, content));
        }
        Err(Error::CorruptObject { oid: Some(*oid), what: format!("the stored content is that of {name}") })
    }
}
