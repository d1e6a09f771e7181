//! Where the parts of a commit-graph file lie (gitformat-commit-graph(5), gitformat-chunk(5)).

use super::corrupt;
use packhouse_object::{ObjectFormat, Result};
use std::ops::Range;

const HEADER_LEN: usize = 8;
const ENTRY_LEN: usize = 12;
const FANOUT_LEN: usize = 256 * 4;

/// The chunks that we read, as ranges of bytes of the file. Others are passed over.
pub(super) struct Chunks {
    pub(super) format: ObjectFormat,
    /// How many commits there are.
    pub(super) count: u32,
    pub(super) oids: Range<usize>,
    pub(super) commits: Range<usize>,
    pub(super) generations: Range<usize>,
    /// 64-bit generation offsets. Empty if there are none.
    pub(super) overflows: Range<usize>,
    /// Second and further parents of octopus merges. Empty if there are none.
    pub(super) edges: Range<usize>,
}

impl Chunks {
    /// Find the chunks. Each has the length that the number of commits demands, and lies within the file.
    pub(super) fn of(bytes: &[u8], format: ObjectFormat) -> Result<Self> {
        let table = Table::of(bytes, format)?;
        let need = |id: &[u8; 4]| table.find(id)?.ok_or_else(|| corrupt(&format!("no chunk {}", id.escape_ascii())));
        let count = count_in(&bytes[need(b"OIDF")?])?;
        let rows_of = |id, row_len: usize| {
            let chunk = need(id)?;
            let fits = Some(chunk.len()) == (count as usize).checked_mul(row_len);
            if fits {
                Ok(chunk)
            } else {
                Err(corrupt(&format!("chunk {} does not fit {count} commits", id.escape_ascii())))
            }
        };
        let oids = rows_of(b"OIDL", format.oid_len())?;
        let commits = rows_of(b"CDAT", format.oid_len() + 16)?;
        let generations = rows_of(b"GDA2", 4)?;
        let (overflows, edges) = (table.find(b"GDO2")?.unwrap_or(0..0), table.find(b"EDGE")?.unwrap_or(0..0));
        Ok(Self { format, count, oids, commits, generations, overflows, edges })
    }
}

/// The lookup table of the chunks.
struct Table<'a> {
    entries: &'a [[u8; ENTRY_LEN]],
}

impl<'a> Table<'a> {
    /// The table, all its offsets ascending and between its own end and the trailer.
    fn of(bytes: &'a [u8], format: ObjectFormat) -> Result<Self> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return Err(corrupt(&format!("{} bytes are too few", bytes.len())));
        };
        let expected = [b'C', b'G', b'P', b'H', 1, format.hash_id(), header[6], 0];
        if *header != expected {
            return Err(corrupt("unknown signature, version or hash function, or a chain of graphs"));
        }
        let entries = rest.as_chunks().0.get(..usize::from(header[6]) + 1).ok_or_else(|| corrupt("cut short"))?;
        let table = Self { entries };
        let first = (HEADER_LEN + entries.len() * ENTRY_LEN) as u64;
        let ends_at = bytes.len().checked_sub(format.oid_len()).ok_or_else(|| corrupt("cut short"))? as u64;
        let mut offsets = entries.iter().map(offset_of);
        let ascend = entries.iter().map(offset_of).is_sorted() && offsets.all(|at| (first..=ends_at).contains(&at));
        if !ascend || entries.last().is_none_or(|last| id_of(last) != [0; 4]) {
            return Err(corrupt("its chunks do not follow each other, or leave the file"));
        }
        Ok(table)
    }

    fn find(&self, id: &[u8; 4]) -> Result<Option<Range<usize>>> {
        let mut found = self.entries.windows(2).filter(|pair| id_of(&pair[0]) == *id);
        #[allow(clippy::cast_possible_truncation)] // `of` has seen that it is inside the file
        let chunk = found.next().map(|pair| offset_of(&pair[0]) as usize..offset_of(&pair[1]) as usize);
        if found.next().is_some() { Err(corrupt(&format!("two chunks {}", id.escape_ascii()))) } else { Ok(chunk) }
    }
}

fn id_of(entry: &[u8; ENTRY_LEN]) -> [u8; 4] {
    entry.first_chunk().copied().unwrap_or_default()
}

fn offset_of(entry: &[u8; ENTRY_LEN]) -> u64 {
    entry.last_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// How many commits a fan-out table counts.
fn count_in(fanout: &[u8]) -> Result<u32> {
    let counts: Vec<_> = fanout.as_chunks().0.iter().map(|&raw| u32::from_be_bytes(raw)).collect();
    match counts.last() {
        Some(&count) if fanout.len() == FANOUT_LEN && counts.is_sorted() => Ok(count),
        _ => Err(corrupt("no fan-out table")),
    }
}
