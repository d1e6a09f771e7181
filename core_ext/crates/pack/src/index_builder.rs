//! Writing an idx file, version 2 (gitformat-pack(5)).

use crate::derived::HashedWriter;
use crate::index::{LARGE_OFFSET, MAGIC, VERSION};
use packhouse_object::{Error, ObjectFormat, Oid, Result};
use std::io::Write;

/// Collects what a pack holds and writes its idx. Memory: an id and 16 bytes for each object.
pub struct IndexBuilder {
    format: ObjectFormat,
    oids: Vec<u8>,
    offsets: Vec<u64>,
    crc32s: Vec<u32>,
}

impl IndexBuilder {
    /// A builder with room for `object_count` objects.
    #[must_use]
    pub fn with_capacity(format: ObjectFormat, object_count: u32) -> Self {
        let count = object_count as usize;
        Self {
            format,
            oids: Vec::with_capacity(count * format.oid_len()),
            offsets: Vec::with_capacity(count),
            crc32s: Vec::with_capacity(count),
        }
    }

    /// Add an object, in any order.
    ///
    /// offset: bytes from the start of the pack, at the entry header. crc32: of the whole entry as stored.
    pub fn push(&mut self, oid: &Oid, offset: u64, crc32: u32) {
        debug_assert_eq!(oid.as_bytes().len(), self.format.oid_len());
        self.oids.extend_from_slice(oid.as_bytes());
        self.offsets.push(offset);
        self.crc32s.push(crc32);
    }

    /// How many objects were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether no object was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The idx file of the pack that ends with `pack_trailer`.
    ///
    /// # Errors
    /// `CorruptIndex` if an object was added twice, `Limit` for more than 2^32 - 1 of them.
    pub fn to_bytes(&self, pack_trailer: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(8 + 1024 + self.len() * (self.format.oid_len() + 16) + 64);
        self.write(pack_trailer, &mut out)?;
        Ok(out)
    }

    /// Write the idx file of the pack that ends with `pack_trailer`. Returns the idx's own trailer.
    ///
    /// # Errors
    /// As [`Self::to_bytes`]; `Io` if `out` fails.
    pub fn write(&self, pack_trailer: &[u8], out: impl Write) -> Result<Oid> {
        let order = self.sorted()?;
        let mut out = HashedWriter::new(self.format, out);
        out.put(&MAGIC)?;
        out.put(&VERSION.to_be_bytes())?;
        self.write_fanout(&mut out)?;
        order.iter().try_for_each(|&at| out.put(self.oid(at)))?;
        order.iter().try_for_each(|&at| out.put(&self.crc32s[at as usize].to_be_bytes()))?;
        self.write_offsets(&order, &mut out)?;
        out.put(pack_trailer)?;
        out.finish()
    }

    fn oid(&self, at: u32) -> &[u8] {
        let len = self.format.oid_len();
        &self.oids[at as usize * len..][..len]
    }

    fn sorted(&self) -> Result<Vec<u32>> {
        let count = u32::try_from(self.len()).map_err(|_| Error::Limit {
            what: "objects in a pack",
            actual: self.len() as u64,
            limit: u64::from(u32::MAX),
        })?;
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_unstable_by(|&left, &right| self.oid(left).cmp(self.oid(right)));
        if let Some(pair) = order.windows(2).find(|pair| self.oid(pair[0]) == self.oid(pair[1])) {
            let oid = Oid::from_bytes(self.oid(pair[0]))?;
            return Err(Error::CorruptIndex { what: format!("object {oid} is in the pack twice") });
        }
        Ok(order)
    }

    fn write_fanout(&self, out: &mut HashedWriter<impl Write>) -> Result<()> {
        let mut starts = [0u32; 256];
        for oid in self.oids.chunks_exact(self.format.oid_len()) {
            starts[usize::from(oid[0])] += 1;
        }
        let mut total = 0;
        starts.iter().try_for_each(|count| {
            total += count;
            out.put(&total.to_be_bytes())
        })
    }

    fn write_offsets(&self, order: &[u32], out: &mut HashedWriter<impl Write>) -> Result<()> {
        let mut large = Vec::new();
        for &at in order {
            let offset = self.offsets[at as usize];
            match u32::try_from(offset) {
                Ok(small) if small & LARGE_OFFSET == 0 => out.put(&small.to_be_bytes())?,
                _ => {
                    #[allow(clippy::cast_possible_truncation)] // a pack of 2^31 objects beyond 2 GiB cannot be numbered
                    let row = large.len() as u32;
                    out.put(&(LARGE_OFFSET | row).to_be_bytes())?;
                    large.push(offset);
                }
            }
        }
        large.iter().try_for_each(|offset| out.put(&offset.to_be_bytes()))
    }
}
