//! The header of a pack entry: type, size and, for a delta, its base.

use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result};

/// The length of a pack's header (`PACK`, version, count), in bytes.
pub const PACK_HEADER_LEN: usize = 12;

/// The most bytes an entry header can have: ten of size, and a 32-byte base id.
pub const MAX_HEADER_LEN: usize = 10 + 32;

/// How an entry is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A whole object.
    Whole(Kind),
    /// A delta against the entry that starts so many bytes before this one.
    OfsDelta(u64),
    /// A delta against the object of this id.
    RefDelta(Oid),
}

/// A parsed entry header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader {
    /// How the entry is stored.
    pub kind: EntryKind,
    /// The inflated size of what follows, in bytes: of the object, or of the delta.
    pub size: u64,
    /// The length of the header itself, in bytes; the zlib stream starts there.
    pub len: usize,
}

impl EntryHeader {
    /// Read the header at the start of `bytes`. `Ok(None)` if more bytes are needed.
    ///
    /// # Errors
    /// `CorruptPack` (at `offset`) for the two unused types, a size over 64 bits or an offset of zero or beyond the start.
    pub fn parse(bytes: &[u8], offset: u64, format: ObjectFormat) -> Result<Option<Self>> {
        let corrupt = |what: &str| Error::CorruptPack { offset, what: what.to_owned() };
        let Some(&first) = bytes.first() else { return Ok(None) };
        let mut size = u64::from(first & 0x0f);
        let mut shift = 4;
        let mut len = 1;
        let mut more = first & 0x80 != 0;
        while more {
            let Some(&byte) = bytes.get(len) else { return Ok(None) };
            if shift > 60 || (shift == 60 && byte & 0x7f > 0x0f) {
                return Err(corrupt("entry size over 64 bits"));
            }
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            len += 1;
            more = byte & 0x80 != 0;
        }
        let number = first >> 4 & 7;
        let kind = match number {
            6 => match base_distance(&bytes[len..]).map_err(|()| corrupt("delta base offset over 64 bits"))? {
                None => return Ok(None),
                Some((distance, used)) => {
                    if distance == 0 || distance > offset {
                        return Err(corrupt("delta base offset is out of bound"));
                    }
                    len += used;
                    EntryKind::OfsDelta(distance)
                }
            },
            7 => {
                let Some(raw) = bytes.get(len..len + format.oid_len()) else { return Ok(None) };
                len += format.oid_len();
                EntryKind::RefDelta(Oid::from_bytes(raw)?)
            }
            _ => EntryKind::Whole(
                Kind::from_number(number).ok_or_else(|| corrupt(&format!("unknown entry type {number}")))?,
            ),
        };
        Ok(Some(Self { kind, size, len }))
    }

    /// Append the header of an entry to `out`. Returns its length in bytes.
    pub fn write(kind: EntryKind, size: u64, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let number = match kind {
            EntryKind::Whole(kind) => kind as u8,
            EntryKind::OfsDelta(_) => 6,
            EntryKind::RefDelta(_) => 7,
        };
        let mut rest = size >> 4;
        let mut byte = number << 4 | low_bits(size, 0x0f);
        while rest != 0 {
            out.push(byte | 0x80);
            byte = low_bits(rest, 0x7f);
            rest >>= 7;
        }
        out.push(byte);
        match kind {
            EntryKind::Whole(_) => {}
            EntryKind::OfsDelta(distance) => write_distance(distance, out),
            EntryKind::RefDelta(oid) => out.extend_from_slice(oid.as_bytes()),
        }
        out.len() - start
    }
}

#[allow(clippy::cast_possible_truncation)] // masked to seven bits
const fn low_bits(value: u64, mask: u64) -> u8 {
    (value & mask) as u8
}

fn base_distance(bytes: &[u8]) -> std::result::Result<Option<(u64, usize)>, ()> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().enumerate() {
        if value >> 57 != 0 {
            return Err(());
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
        value += 1;
    }
    Ok(None)
}

fn write_distance(mut distance: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 10];
    let mut at = digits.len() - 1;
    digits[at] = low_bits(distance, 0x7f);
    distance >>= 7;
    while distance != 0 {
        distance -= 1;
        at -= 1;
        digits[at] = 0x80 | low_bits(distance, 0x7f);
        distance >>= 7;
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_a_round_trip_and_every_prefix_asks_for_more() {
        let oid = Oid::from_bytes(&[7; 20]).expect("20 bytes");
        for size in [0, 15, 16, 127, 128, 2047, 2048, u64::from(u32::MAX), u64::MAX] {
            for kind in [
                EntryKind::Whole(Kind::Tag),
                EntryKind::RefDelta(oid),
                EntryKind::OfsDelta(1),
                EntryKind::OfsDelta(1 << 40),
            ] {
                let mut bytes = Vec::new();
                let len = EntryHeader::write(kind, size, &mut bytes);
                for cut in 0..len {
                    assert_eq!(EntryHeader::parse(&bytes[..cut], 1 << 41, ObjectFormat::Sha1).expect("valid"), None);
                }
                let parsed = EntryHeader::parse(&bytes, 1 << 41, ObjectFormat::Sha1).expect("valid");
                assert_eq!(parsed, Some(EntryHeader { kind, size, len }));
            }
        }
    }
}
