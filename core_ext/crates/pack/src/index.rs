//! Reading an idx file, version 2 (gitformat-pack(5)).

use crate::Bytes;
use packhouse_object::{Error, ObjectFormat, Oid, Result};
use std::cmp::Ordering;
use std::ops::Range;

pub(crate) const MAGIC: [u8; 4] = *b"\xfftOc";
pub(crate) const VERSION: u32 = 2;
/// The bit of a 32-bit offset that says: the rest is a row of the table of 64-bit offsets.
pub(crate) const LARGE_OFFSET: u32 = 1 << 31;

const FANOUT_START: usize = 8;
const FANOUT_LEN: usize = 256 * 4;
/// How many positions the first step from a guessed one goes.
const FIRST_STEP: u32 = 16;
const OIDS_START: usize = FANOUT_START + FANOUT_LEN;

/// An idx file that agrees with itself: sorted, without duplicates, its tables as long as its count says.
///
/// A *position* is an object's rank among the sorted ids.
pub struct Index {
    bytes: Bytes,
    format: ObjectFormat,
    fanout: Box<[u32; 256]>,
    crc32s_start: usize,
    offsets_start: usize,
    large_start: usize,
    trailers_start: usize,
}

impl Index {
    /// Check and take over the bytes of an idx file. Cost: one pass over its ids and offsets; no hash is computed.
    ///
    /// # Errors
    /// `CorruptIndex`: magic, version, size, fan-out, order of the ids, a duplicate, or a row of 64-bit offsets that is not there.
    pub fn new(bytes: Bytes, format: ObjectFormat) -> Result<Self> {
        let fanout = read_fanout(&bytes)?;
        let (count, oid_len) = (fanout[255] as usize, format.oid_len());
        let crc32s_start = OIDS_START + count * oid_len;
        let offsets_start = crc32s_start + count * 4;
        let large_start = offsets_start + count * 4;
        let trailers_start = bytes
            .len()
            .checked_sub(2 * oid_len)
            .filter(|&end| end >= large_start && (end - large_start).is_multiple_of(8));
        let trailers_start = trailers_start
            .filter(|&end| (end - large_start) / 8 <= count)
            .ok_or_else(|| corrupt(&format!("{} bytes do not fit {count} objects", bytes.len())))?;
        let index = Self { bytes, format, fanout, crc32s_start, offsets_start, large_start, trailers_start };
        index.check_oids()?;
        index.check_large_offsets()?;
        Ok(index)
    }

    /// How many objects the pack holds.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.fanout[255]
    }

    /// Whether the pack is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The format of the ids.
    #[must_use]
    pub const fn format(&self) -> ObjectFormat {
        self.format
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The trailer of the pack that the idx was made for.
    #[must_use]
    pub fn pack_trailer(&self) -> &[u8] {
        &self.bytes[self.trailers_start..][..self.format.oid_len()]
    }

    /// The raw id at a position.
    ///
    /// # Panics
    /// If `position` is not below [`Self::len`].
    #[must_use]
    pub fn oid_at(&self, position: u32) -> &[u8] {
        let len = self.format.oid_len();
        &self.oids()[position as usize * len..][..len]
    }

    /// The position of an object.
    #[must_use]
    pub fn find(&self, oid: &Oid) -> Option<u32> {
        let key = oid.as_bytes();
        if key.len() != self.format.oid_len() {
            return None;
        }
        self.search(key, self.narrow(key, self.bucket(key[0])))
    }

    /// The CRC-32 of the stored entry at a position.
    ///
    /// # Panics
    /// If `position` is not below [`Self::len`].
    #[must_use]
    pub fn crc32_at(&self, position: u32) -> u32 {
        self.word(self.crc32s_start, position)
    }

    /// Where the entry at a position starts, in bytes from the start of the pack. Whether that lies inside the pack is
    /// checked when the entry is read.
    ///
    /// # Panics
    /// If `position` is not below [`Self::len`].
    #[must_use]
    pub fn offset_at(&self, position: u32) -> u64 {
        let small = self.word(self.offsets_start, position);
        if small & LARGE_OFFSET == 0 {
            return u64::from(small);
        }
        let row = self.large_start + (small & !LARGE_OFFSET) as usize * 8;
        let large = self.bytes[..self.trailers_start].get(row..row + 8).and_then(|raw| raw.try_into().ok());
        large.map_or(u64::MAX, u64::from_be_bytes) // only of a file that changed since it was checked
    }

    /// All ids, one after the other.
    pub(crate) fn oids(&self) -> &[u8] {
        &self.bytes[OIDS_START..self.crc32s_start]
    }

    fn word(&self, table_start: usize, position: u32) -> u32 {
        assert!(position < self.len(), "position {position} of {}", self.len());
        let raw = self.bytes[table_start + position as usize * 4..].first_chunk().copied();
        u32::from_be_bytes(raw.unwrap_or_default())
    }

    fn bucket(&self, first_byte: u8) -> Range<u32> {
        let at = usize::from(first_byte);
        let start = if at == 0 { 0 } else { self.fanout[at - 1] };
        start..self.fanout[at]
    }

    /// Ids are evenly spread, so guess from the next four bytes where the key is, then widen until it is enclosed. Who
    /// grinds ids against that gains no more than a binary search costs.
    fn narrow(&self, key: &[u8], bucket: Range<u32>) -> Range<u32> {
        let next_bytes = key[1..].first_chunk().copied().map_or(0, u32::from_be_bytes);
        #[allow(clippy::cast_possible_truncation)] // less than the bucket's length
        let guess = bucket.start + ((u64::from(next_bytes) * bucket.len() as u64) >> 32) as u32;
        let (mut range, mut step) = (bucket, FIRST_STEP);
        if guess >= range.end || self.oid_at(guess) > key {
            range.end = guess.min(range.end);
            while range.len() > step as usize && self.oid_at(range.end - step) > key {
                (range.end, step) = (range.end - step, step * 4);
            }
            range.start = range.start.max(range.end.saturating_sub(step));
        } else {
            range.start = guess;
            while range.len() > step as usize && self.oid_at(range.start + step) <= key {
                (range.start, step) = (range.start + step, step.saturating_mul(4));
            }
            range.end = range.end.min(range.start.saturating_add(step));
        }
        range
    }

    fn search(&self, key: &[u8], mut range: Range<u32>) -> Option<u32> {
        while range.start < range.end {
            let middle = range.start.midpoint(range.end);
            match self.oid_at(middle).cmp(key) {
                Ordering::Less => range.start = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => range.end = middle,
            }
        }
        None
    }

    fn check_oids(&self) -> Result<()> {
        let mut oids = self.oids().chunks_exact(self.format.oid_len());
        let pairs = oids.clone().zip(oids.by_ref().skip(1));
        if let Some((left, right)) = pairs.into_iter().find(|(left, right)| left >= right) {
            let what = if left == right { "is there twice" } else { "is out of order" };
            return Err(corrupt(&format!("object {} {what}", Oid::from_bytes(right)?)));
        }
        for byte in 0..=u8::MAX {
            let bucket = self.bucket(byte);
            if !bucket.is_empty() && (self.oid_at(bucket.start)[0] != byte || self.oid_at(bucket.end - 1)[0] != byte) {
                return Err(corrupt(&format!("fan-out {byte} holds an id that starts otherwise")));
            }
        }
        Ok(())
    }

    fn check_large_offsets(&self) -> Result<()> {
        let rows = (self.trailers_start - self.large_start) / 8;
        let table = &self.bytes[self.offsets_start..self.large_start];
        let large = table.as_chunks::<4>().0.iter().map(|&raw| u32::from_be_bytes(raw));
        match large.filter(|word| word & LARGE_OFFSET != 0).map(|word| (word & !LARGE_OFFSET) as usize).max() {
            Some(row) if row >= rows => Err(corrupt(&format!("64-bit offset {row} of {rows}"))),
            _ => Ok(()),
        }
    }
}

fn read_fanout(bytes: &[u8]) -> Result<Box<[u32; 256]>> {
    if bytes.get(..4) != Some(&MAGIC) || bytes.get(4..8) != Some(&VERSION.to_be_bytes()) {
        return Err(corrupt("not an idx file of version 2"));
    }
    let table = bytes.get(FANOUT_START..OIDS_START).ok_or_else(|| corrupt("cut short in the fan-out table"))?;
    let mut fanout = Box::new([0; 256]);
    for (total, &raw) in fanout.iter_mut().zip(table.as_chunks().0) {
        *total = u32::from_be_bytes(raw);
    }
    if fanout.is_sorted() { Ok(fanout) } else { Err(corrupt("the fan-out table decreases")) }
}

fn corrupt(what: &str) -> Error {
    Error::CorruptIndex { what: what.to_owned() }
}
