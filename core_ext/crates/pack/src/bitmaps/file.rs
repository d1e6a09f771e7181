//! What a `.bitmap` file of version 1 says where (gitformat-bitmap(5)).
//!
//! ```text
//! "BITM"  version (2)  flags (2)  count of entries (4)  trailer of the pack
//! four bitmaps: the commits, trees, blobs and tags of the pack
//! per entry: position of the commit in the idx (4)  xor offset (1)  flags (1)  bitmap
//! [pseudo-merges]  [lookup table]  [name hashes: 4 for each object, in the order of the pack]
//! hash of all before
//! ```
//!
//! Pseudo-merges and the lookup table are passed over: the entries are found by going through all of them once.

use super::corrupt;
use super::ewah::{Ewah, split_u32};
use crate::{Bytes, Pack};
use packhouse_object::{Hasher, Kind, Result};

/// The first bytes of the file.
pub const MAGIC: [u8; 4] = *b"BITM";
/// The version that is read and written.
pub const VERSION: u16 = 1;
/// Every object that an object of a bitmap refers to is in the pack, too. A file without this flag is of no use.
pub const FULL_DAG: u16 = 0x1;
/// There are name hashes.
pub const HASH_CACHE: u16 = 0x4;
const LOOKUP_TABLE: u16 = 0x10;
const PSEUDO_MERGES: u16 = 0x20;
/// The kinds in the order of their bitmaps.
pub const KINDS: [Kind; 4] = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];

const LOOKUP_ROW_BYTES: usize = 16;
const NAME_HASH_BYTES: usize = 4;
/// The highest xor offset, as in Git.
pub const MAX_XOR_OFFSET: u8 = 160;
/// Up to this size the hash at the end is checked, which takes some 10 ms; beyond, the bounds alone.
const MAX_HASHED_BYTES: usize = 32 << 20;

/// Where an entry's bitmap starts, and on which entry before it stands.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) start: usize,
    pub(super) xor_offset: u8,
}

/// The places of everything in a file.
pub(super) struct Layout {
    pub(super) kinds: [usize; 4],
    pub(super) entries: Vec<Entry>,
    /// (position in the idx, number of the entry), sorted.
    pub(super) by_position: Vec<(u32, u32)>,
    pub(super) name_hashes: Option<usize>,
}

/// Go through a file. Cost: O(entries); 24 bytes are kept for each, of which the file has at least 18.
///
/// # Errors
/// `CorruptIndex`: it is of another pack, of another version, has flags that are not known, does not fit the pack or its
/// hash, names a commit twice, or stands on an entry that is not there.
pub(super) fn layout_of(bytes: &Bytes, pack: &Pack) -> Result<Layout> {
    let (flags, entry_count, mut rest) = split_header(bytes, pack)?;
    let tables = Tables::new(bytes, flags, entry_count, pack)?;
    let at = |rest: &[u8]| bytes.len() - rest.len();
    let mut kinds = [0; 4];
    for start in &mut kinds {
        *start = at(rest);
        (_, rest) = Ewah::split_from(rest)?;
    }
    let mut entries = Vec::new();
    let mut by_position = Vec::new();
    for number in 0..entry_count {
        let cut_short = || corrupt("cut short in an entry");
        let (position, after) = split_u32(rest).ok_or_else(cut_short)?;
        let (&[xor_offset, _flags], after) = after.split_first_chunk().ok_or_else(cut_short)?;
        if position >= pack.len() || xor_offset > MAX_XOR_OFFSET || u32::from(xor_offset) > number {
            return Err(corrupt(&format!("entry {number} is of no object, or stands on no entry")));
        }
        entries.push(Entry { start: at(after), xor_offset });
        by_position.push((position, number));
        (_, rest) = Ewah::split_from(after)?;
    }
    if at(rest) > tables.start || (flags & PSEUDO_MERGES == 0 && at(rest) != tables.start) {
        return Err(corrupt("its tables are not where its entries end"));
    }
    by_position.sort_unstable();
    if by_position.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(corrupt("a commit has two entries"));
    }
    Ok(Layout { kinds, entries, by_position, name_hashes: tables.name_hashes })
}

/// The flags, the count of entries, and what follows the header.
fn split_header<'b>(bytes: &'b Bytes, pack: &Pack) -> Result<(u16, u32, &'b [u8])> {
    let header = bytes.split_first_chunk::<8>().and_then(|(head, rest)| Some((head, split_u32(rest)?)));
    let Some((&[m0, m1, m2, m3, v0, v1, f0, f1], (entry_count, rest))) = header else {
        return Err(corrupt("cut short in the header"));
    };
    let flags = u16::from_be_bytes([f0, f1]);
    if [m0, m1, m2, m3] != MAGIC || u16::from_be_bytes([v0, v1]) != VERSION {
        return Err(corrupt("not a bitmap file of version 1"));
    }
    if flags & FULL_DAG == 0 || flags & !(FULL_DAG | HASH_CACHE | LOOKUP_TABLE | PSEUDO_MERGES) != 0 {
        return Err(corrupt(&format!("flags {flags:#x} are not known, or the graph is not whole")));
    }
    match rest.split_at_checked(pack.format().oid_len()) {
        Some((trailer, rest)) if trailer == pack.trailer() => Ok((flags, entry_count, rest)),
        _ => Err(corrupt("made for another pack")),
    }
}

/// What stands between the entries and the end.
struct Tables {
    start: usize,
    name_hashes: Option<usize>,
}

impl Tables {
    fn new(bytes: &Bytes, flags: u16, entry_count: u32, pack: &Pack) -> Result<Self> {
        let too_short = || corrupt(&format!("{} bytes are too few for its tables", bytes.len()));
        let trailer_start = bytes.len().checked_sub(pack.format().oid_len()).ok_or_else(too_short)?;
        if bytes.len() <= MAX_HASHED_BYTES {
            let mut hasher = Hasher::unchecked(pack.format());
            hasher.update(&bytes[..trailer_start]);
            if hasher.finish()?.as_bytes() != &bytes[trailer_start..] {
                return Err(corrupt("its hash is not that of its bytes"));
            }
        }
        let take = |end: usize, flag: u16, len: usize| {
            if flags & flag == 0 { Some(end) } else { end.checked_sub(len) }.ok_or_else(too_short)
        };
        let hashes_start = take(trailer_start, HASH_CACHE, pack.len() as usize * NAME_HASH_BYTES)?;
        let start = take(hashes_start, LOOKUP_TABLE, entry_count as usize * LOOKUP_ROW_BYTES)?;
        Ok(Self { start, name_hashes: Some(hashes_start).filter(|_| flags & HASH_CACHE != 0) })
    }
}
