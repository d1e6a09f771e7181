//! Decoding a stored entry: inflate, and apply the deltas of its chain, without recursion.

use crate::cache::{Cache, Decoded};
use crate::{Content, EntryHeader, EntryKind, Limits, Pack};
use packhouse_object::{Error, Result, delta, zlib};
use std::cell::RefCell;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static PEEK: RefCell<zlib::StreamInflater> = RefCell::new(zlib::StreamInflater::new(0));
}

/// Scratch memory over this size is given back after use.
const KEPT_SCRATCH_BYTES: usize = 1 << 20;

/// The two sizes at the head of a delta take at most ten bytes each.
const DELTA_SIZES_LEN: usize = 20;

/// Decode the object whose entry starts at `offset`.
///
/// Bases go into the cache as they are passed, the object itself only once another one needs it: keeping every object that
/// is asked for made full reads and tree walks 5 to 20 % slower (benches/read.rs), most of them being nobody's base.
///
/// Memory: the object, its delta and the delta's base at the same time, each at most `limits.max_object_bytes`.
pub(crate) fn read_at(pack: &Pack, offset: u64, max_bytes: u64, limits: &Limits, cache: &Cache) -> Result<Decoded> {
    let max_bytes = max_bytes.min(limits.max_object_bytes);
    if max_bytes < limits.max_object_bytes {
        check_size(size_at(pack, offset)?, max_bytes)?; // before the whole chain is decoded in vain
    }
    let (mut at, mut object, deltas) = chain_of(pack, offset, limits, cache)?;
    for (delta_offset, header) in deltas.into_iter().rev() {
        let result = apply_at(pack, delta_offset, &header, &object, limits)?;
        cache.insert((pack.id(), at), object);
        (at, object) = (delta_offset, result);
    }
    check_size(object.1.len() as u64, max_bytes)?;
    Ok(object)
}

/// The object's size in bytes, from its header or from the head of its delta.
pub(crate) fn size_at(pack: &Pack, offset: u64) -> Result<u64> {
    let header = pack.header_at(offset)?;
    if matches!(header.kind, EntryKind::Whole(_)) {
        return Ok(header.size);
    }
    let mut head = [0; DELTA_SIZES_LEN];
    let stream = pack.stream_at(offset, &header)?;
    let filled = peek(stream, header.size, &mut head).map_err(|error| pack.named(offset, error))?;
    let (_, size, _) = delta::sizes(&head[..filled]).map_err(|error| pack.named(offset, error))?;
    Ok(size)
}

type Chain = (u64, Decoded, Vec<(u64, EntryHeader)>);

/// Go down the delta chain to an object that is cached or stored whole. Returns its offset, it, and the deltas above it.
fn chain_of(pack: &Pack, offset: u64, limits: &Limits, cache: &Cache) -> Result<Chain> {
    let mut deltas = Vec::new();
    let mut at = offset;
    loop {
        if let Some(object) = cache.get((pack.id(), at)) {
            return Ok((at, object, deltas));
        }
        let header = pack.header_at(at)?;
        let base = match (header.kind, pack.base_offset(at, &header)?) {
            (EntryKind::Whole(kind), _) => return Ok((at, (kind, whole_at(pack, at, &header, limits)?), deltas)),
            (_, base) => base.unwrap_or_default(),
        };
        if deltas.len() >= limits.max_delta_depth as usize {
            return Err(pack.chain_too_long(offset, limits.max_delta_depth));
        }
        deltas.push((at, header));
        at = base;
    }
}

fn whole_at(pack: &Pack, offset: u64, header: &EntryHeader, limits: &Limits) -> Result<Content> {
    let mut content = Vec::new();
    zlib::inflate_exact(pack.stream_at(offset, header)?, header.size, limits.max_object_bytes, &mut content)
        .map_err(|error| pack.named(offset, error))?;
    Ok(content.into())
}

fn apply_at(pack: &Pack, offset: u64, header: &EntryHeader, base: &Decoded, limits: &Limits) -> Result<Decoded> {
    let stream = pack.stream_at(offset, header)?;
    let result = SCRATCH.with_borrow_mut(|scratch| {
        let result = zlib::inflate_exact(stream, header.size, limits.max_object_bytes, scratch)
            .and_then(|()| delta::apply(&base.1, scratch, limits.max_object_bytes));
        scratch.clear();
        scratch.shrink_to(KEPT_SCRATCH_BYTES);
        result
    });
    let content = result.map_err(|error| pack.named(offset, error))?;
    Ok((base.0, content.into()))
}

/// Inflate the first bytes of a stream. Returns how many there are.
fn peek(stream: &[u8], size_bytes: u64, head: &mut [u8]) -> Result<usize> {
    PEEK.with_borrow_mut(|inflater| {
        inflater.reset(size_bytes);
        Ok(inflater.step(stream, head)?.produced)
    })
}

fn check_size(actual: u64, limit: u64) -> Result<()> {
    if actual > limit { Err(Error::Limit { what: "object size in bytes", actual, limit }) } else { Ok(()) }
}
