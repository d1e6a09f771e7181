//! Deltas (gitformat-pack(5), "Deltified representation").

use crate::{Error, Result};

/// The two sizes at the head of a delta: `(base size, result size)` in bytes, and where the instructions start.
///
/// # Errors
/// `CorruptDelta` if either varint is cut short or overlong.
pub fn sizes(delta: &[u8]) -> Result<(u64, u64, usize)> {
    let (base, first) = varint(delta)?;
    let (result, second) = varint(&delta[first..])?;
    Ok((base, result, first + second))
}

fn varint(bytes: &[u8]) -> Result<(u64, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    Err(Error::CorruptDelta { what: "a size that does not end".to_owned() })
}

/// Apply a delta to its base.
///
/// # Errors
/// `CorruptDelta` if the delta names another base size, reaches beyond its base, uses the reserved instruction, or makes
/// more or fewer bytes than it announces; `Limit` if it announces more than `max_result_bytes`.
pub fn apply(base: &[u8], delta: &[u8], max_result_bytes: u64) -> Result<Vec<u8>> {
    let (base_size, result_size, start) = sizes(delta)?;
    if base_size != base.len() as u64 {
        return Err(Error::CorruptDelta {
            what: format!("made for a base of {base_size} bytes, the base has {}", base.len()),
        });
    }
    if result_size > max_result_bytes {
        return Err(Error::Limit { what: "delta result size in bytes", actual: result_size, limit: max_result_bytes });
    }
    let size = usize::try_from(result_size).map_err(|_| Error::CorruptDelta { what: "result size".to_owned() })?;
    let mut out = Vec::with_capacity(size);
    let mut rest = &delta[start..];
    while let Some((&op, after)) = rest.split_first() {
        rest = if op & 0x80 != 0 { copy(base, op, after, &mut out, size)? } else { insert(op, after, &mut out, size)? };
    }
    if out.len() != size {
        return Err(Error::CorruptDelta { what: format!("makes {} bytes and announces {size}", out.len()) });
    }
    Ok(out)
}

fn copy<'a>(base: &[u8], op: u8, mut args: &'a [u8], out: &mut Vec<u8>, size: usize) -> Result<&'a [u8]> {
    let cut = || Error::CorruptDelta { what: "a copy instruction is cut short".to_owned() };
    let mut fields = [0usize; 7];
    for (bit, field) in fields.iter_mut().enumerate() {
        if op & (1 << bit) != 0 {
            let (&byte, after) = args.split_first().ok_or_else(cut)?;
            *field = usize::from(byte);
            args = after;
        }
    }
    let offset = fields[0] | fields[1] << 8 | fields[2] << 16 | fields[3] << 24;
    let length = match fields[4] | fields[5] << 8 | fields[6] << 16 {
        0 => 0x10000,
        length => length,
    };
    let source = base
        .get(offset..offset + length)
        .ok_or_else(|| Error::CorruptDelta { what: "a copy reaches beyond its base".to_owned() })?;
    extend(out, source, size)?;
    Ok(args)
}

fn insert<'a>(op: u8, args: &'a [u8], out: &mut Vec<u8>, size: usize) -> Result<&'a [u8]> {
    if op == 0 {
        return Err(Error::CorruptDelta { what: "the reserved instruction 0".to_owned() });
    }
    let length = usize::from(op);
    if args.len() < length {
        return Err(Error::CorruptDelta { what: "an insert instruction is cut short".to_owned() });
    }
    extend(out, &args[..length], size)?;
    Ok(&args[length..])
}

fn extend(out: &mut Vec<u8>, bytes: &[u8], size: usize) -> Result<()> {
    if bytes.len() > size - out.len() {
        return Err(Error::CorruptDelta { what: format!("makes more than the {size} bytes it announces") });
    }
    out.extend_from_slice(bytes);
    Ok(())
}
