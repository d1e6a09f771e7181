//! Packs made by hand: whole objects, deltas with either kind of base, and damage.

#![allow(dead_code, clippy::cast_possible_truncation)] // each test binary uses a part of it; the sizes here are small

use packhouse_object::{Hasher, Kind, ObjectFormat, Oid, hash_object, zlib};
use packhouse_pack::{Database, EntryHeader, EntryKind, IndexBuilder, Limits, Pack};
use std::sync::Arc;

/// Limits that no test passes by accident.
pub const LIMITS: Limits = Limits { max_object_bytes: 1 << 20, max_delta_depth: 4095 };

/// How an entry names its base.
#[derive(Clone, Copy, Debug)]
pub enum BaseBy {
    /// By distance.
    Offset,
    /// By id.
    Oid,
}

/// A stored entry, as the maker remembers it.
#[derive(Clone, Debug)]
pub struct Made {
    pub oid: Oid,
    pub offset: u64,
    pub kind: Kind,
    pub content: Vec<u8>,
}

/// Writes a pack entry by entry.
pub struct PackMaker {
    pub format: ObjectFormat,
    pub bytes: Vec<u8>,
    pub made: Vec<Made>,
    crc32s: Vec<u32>,
}

impl PackMaker {
    pub fn new(format: ObjectFormat) -> Self {
        Self { format, bytes: b"PACK\0\0\0\x02\0\0\0\0".to_vec(), made: Vec::new(), crc32s: Vec::new() }
    }

    pub fn whole(&mut self, kind: Kind, content: &[u8]) -> Made {
        self.entry(EntryKind::Whole(kind), content, kind, content)
    }

    pub fn delta(&mut self, base: &Made, by: BaseBy, content: &[u8]) -> Made {
        let kind = match by {
            BaseBy::Offset => EntryKind::OfsDelta(self.bytes.len() as u64 - base.offset),
            BaseBy::Oid => EntryKind::RefDelta(base.oid),
        };
        self.entry(kind, &delta_of(&base.content, content), base.kind, content)
    }

    /// An entry that says `stored_as` and holds `stream`, for the object of this kind and content.
    pub fn entry(&mut self, stored_as: EntryKind, stream: &[u8], kind: Kind, content: &[u8]) -> Made {
        let oid = hash_object(self.format, kind, content).expect("no collision");
        let offset = self.bytes.len() as u64;
        EntryHeader::write(stored_as, stream.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(&zlib::deflate(stream, 1));
        self.crc32s.push(crc32fast::hash(&self.bytes[offset as usize..]));
        self.made.push(Made { oid, offset, kind, content: content.to_vec() });
        self.made[self.made.len() - 1].clone()
    }

    /// The pack's bytes and its idx.
    pub fn finish(&self) -> (Vec<u8>, Vec<u8>) {
        let mut pack = self.bytes.clone();
        pack[8..12].copy_from_slice(&(self.made.len() as u32).to_be_bytes());
        let mut hasher = Hasher::unchecked(self.format);
        hasher.update(&pack);
        let trailer = hasher.finish().expect("unchecked");
        pack.extend_from_slice(trailer.as_bytes());
        let mut idx = IndexBuilder::with_capacity(self.format, self.made.len() as u32);
        for (made, &crc32) in self.made.iter().zip(&self.crc32s) {
            idx.push(&made.oid, made.offset, crc32);
        }
        (pack, idx.to_bytes(trailer.as_bytes()).expect("distinct objects"))
    }

    pub fn open(&self) -> Arc<Pack> {
        let (pack, idx) = self.finish();
        Arc::new(Pack::from_bytes(pack, idx, self.format).expect("a valid pack"))
    }

    pub fn database(&self) -> Database {
        database(vec![self.open()], LIMITS)
    }
}

pub fn database(packs: Vec<Arc<Pack>>, limits: Limits) -> Database {
    let format = packs.first().map_or(ObjectFormat::Sha1, |pack| pack.format());
    Database::new(packs, format, limits, 1 << 16).expect("packs of one format")
}

/// A delta that copies the common prefix and inserts the rest.
pub fn delta_of(base: &[u8], target: &[u8]) -> Vec<u8> {
    let mut delta = Vec::new();
    varint(base.len(), &mut delta);
    varint(target.len(), &mut delta);
    let common = base.iter().zip(target).take_while(|(left, right)| left == right).count().min(0xffff);
    if common > 0 {
        delta.extend_from_slice(&[0x80 | 0x30, common as u8, (common >> 8) as u8]);
    }
    for part in target[common..].chunks(127) {
        delta.push(part.len() as u8);
        delta.extend_from_slice(part);
    }
    delta
}

pub fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
