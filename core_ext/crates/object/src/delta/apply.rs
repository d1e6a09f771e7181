//! Making a target from its base and a delta.

use super::{corrupt, sizes};
use crate::{Error, Result};

/// Apply a delta to its base.
///
/// # Errors
/// `CorruptDelta` if the delta names another base size, reaches beyond its base, uses the reserved instruction, or makes
/// more or fewer bytes than it announces; `Limit` if it announces more than `max_result_bytes`.
pub fn apply(base: &[u8], delta: &[u8], max_result_bytes: u64) -> Result<Vec<u8>> {
    let (base_size, result_size, start) = sizes(delta)?;
    if base_size != base.len() as u64 {
        return Err(corrupt(&format!("made for a base of {base_size} bytes, the base has {}", base.len())));
    }
    if result_size > max_result_bytes {
        return Err(Error::Limit { what: "delta result size in bytes", actual: result_size, limit: max_result_bytes });
    }
    let size = usize::try_from(result_size).map_err(|_| corrupt("a result beyond the address space"))?;
    let mut out = Vec::with_capacity(size);
    let mut rest = &delta[start..];
    while let Some((&op, args)) = rest.split_first() {
        let (source, after) = if op & 0x80 == 0 { insert(op, args)? } else { copy(base, op, args)? };
        // The room was reserved above, so this neither grows nor moves the output.
        if source.len() > size - out.len() {
            return Err(corrupt(&format!("makes more than the {size} bytes it announces")));
        }
        out.extend_from_slice(source);
        rest = after;
    }
    if out.len() != size {
        return Err(corrupt(&format!("makes {} bytes and announces {size}", out.len())));
    }
    Ok(out)
}

/// What an insert instruction adds, and the delta after it.
fn insert(op: u8, args: &[u8]) -> Result<(&[u8], &[u8])> {
    if op == 0 {
        return Err(corrupt("the reserved instruction 0"));
    }
    args.split_at_checked(usize::from(op)).ok_or_else(|| corrupt("an insert instruction is cut short"))
}

/// What a copy instruction adds, and the delta after it. The low bits of `op` tell which bytes of its arguments follow.
fn copy<'a>(base: &'a [u8], op: u8, mut args: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let mut fields = 0u64;
    for bit in 0..7 {
        if op >> bit & 1 == 1 {
            let (&byte, after) = args.split_first().ok_or_else(|| corrupt("a copy instruction is cut short"))?;
            fields |= u64::from(byte) << (8 * bit);
            args = after;
        }
    }
    let offset = usize::try_from(fields & 0xffff_ffff).unwrap_or(usize::MAX);
    let length = match usize::try_from(fields >> 32).unwrap_or(usize::MAX) {
        0 => 0x10000,
        length => length,
    };
    let source = base.get(offset..).and_then(|tail| tail.get(..length));
    Ok((source.ok_or_else(|| corrupt("a copy reaches beyond its base"))?, args))
}
