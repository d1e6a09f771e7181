//! Finding a delta: what of the target stands in the base already.
//!
//! The base is cut into blocks whose hashes are indexed; at each byte of the target the hash of the next block is looked
//! up, and what matches is extended both ways. Git slides a Rabin window instead; hashing each block afresh is as fast on
//! wide words, and there is no state to carry over a copy.

/// Bytes of an indexed block, and the shortest match that is found.
const BLOCK: usize = 16;

/// How many blocks of the same hash are tried at a place: repetitive content has thousands.
const MAX_CANDIDATES: usize = 16;

/// The longest copy and insert that one instruction can say; a copy of 0x10000 is spelled with size 0.
const MAX_COPY: usize = 0x10000;
const MAX_INSERT: usize = 0x7f;

/// Offsets of copies have 32 bits.
const MAX_INDEXED_BYTES: usize = u32::MAX as usize;

/// No block.
const NONE: u32 = u32::MAX;

/// A base, indexed; it can serve many targets. Takes about half a byte of memory for each byte of the base.
pub struct DeltaIndex<'a> {
    base: &'a [u8],
    /// For each hash the first block that has it.
    heads: Vec<u32>,
    /// For each block the next one of the same hash.
    next: Vec<u32>,
    shift: u32,
}

/// A delta that makes `target` from `base`, or `None` if it would be longer than `max_delta_bytes`.
#[must_use]
pub fn encode(base: &[u8], target: &[u8], max_delta_bytes: usize) -> Option<Vec<u8>> {
    DeltaIndex::new(base).encode(target, max_delta_bytes)
}

impl<'a> DeltaIndex<'a> {
    /// Index a base.
    #[must_use]
    pub fn new(base: &'a [u8]) -> Self {
        let blocks = base[..base.len().min(MAX_INDEXED_BYTES)].as_chunks::<BLOCK>().0;
        let bits = blocks.len().next_power_of_two().ilog2().max(1);
        let mut index =
            Self { base, heads: vec![NONE; 1 << bits], next: vec![NONE; blocks.len()], shift: u64::BITS - bits };
        // From the end, so that the candidates of a place come in ascending order, the near beginning first.
        let count = u32::try_from(blocks.len()).expect("the indexed part is under 4 GiB");
        for (number, block) in (0..count).zip(blocks).rev() {
            let slot = index.slot(block);
            index.next[number as usize] = std::mem::replace(&mut index.heads[slot], number);
        }
        index
    }

    /// A delta that makes `target` from the base, or `None` if it would be longer than `max_delta_bytes`.
    #[must_use]
    pub fn encode(&self, target: &[u8], max_delta_bytes: usize) -> Option<Vec<u8>> {
        let mut delta = Vec::new();
        put_varint(&mut delta, self.base.len());
        put_varint(&mut delta, target.len());
        let (mut done, mut at) = (0, 0);
        while let Some(block) = target.get(at..).and_then(|tail| tail.first_chunk()) {
            let Some(found) = self.longest_match(block, target, at, done) else {
                at += 1;
                continue;
            };
            put_inserts(&mut delta, &target[done..found.target_start], max_delta_bytes)?;
            put_copies(&mut delta, found.base_start, found.length);
            done = found.target_start + found.length;
            at = done;
        }
        put_inserts(&mut delta, &target[done..], max_delta_bytes)?;
        (delta.len() <= max_delta_bytes).then_some(delta)
    }

    /// The longest match of those that hold the block at `at`; it may reach back to `done`, where the last one ended.
    fn longest_match(&self, block: &[u8; BLOCK], target: &[u8], at: usize, done: usize) -> Option<Match> {
        let mut best: Option<Match> = None;
        let mut candidate = self.heads[self.slot(block)];
        for _ in 0..MAX_CANDIDATES {
            let Some(base_at) = (candidate != NONE).then_some(candidate as usize * BLOCK) else { break };
            candidate = self.next[candidate as usize];
            let ahead = common_prefix(&self.base[base_at..], &target[at..]);
            if ahead < BLOCK {
                continue;
            }
            let behind = common_suffix(&self.base[..base_at], &target[done..at]);
            let found = Match { base_start: base_at - behind, target_start: at - behind, length: behind + ahead };
            if best.as_ref().is_none_or(|best| found.length > best.length) {
                best = Some(found);
            }
        }
        best
    }

    fn slot(&self, block: &[u8; BLOCK]) -> usize {
        // Two odd constants with no structure (from the digits of pi); the high bits of the product mix all others.
        let halves = block.as_chunks().0;
        let [low, high] = [u64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1])];
        let mixed = low.wrapping_mul(0x2439_85a3_08d3_1319) ^ high.rotate_left(32);
        usize::try_from(mixed.wrapping_mul(0x8a2e_0370_7344_a409) >> self.shift).unwrap_or(0)
    }
}

struct Match {
    base_start: usize,
    target_start: usize,
    length: usize,
}

fn common_prefix(left: &[u8], right: &[u8]) -> usize {
    let (left_blocks, right_blocks) = (left.as_chunks::<BLOCK>().0, right.as_chunks::<BLOCK>().0);
    let blocks = left_blocks.iter().zip(right_blocks).take_while(|(left, right)| left == right).count();
    let start = blocks * BLOCK;
    start + left[start..].iter().zip(&right[start..]).take_while(|(left, right)| left == right).count()
}

fn common_suffix(left: &[u8], right: &[u8]) -> usize {
    left.iter().rev().zip(right.iter().rev()).take_while(|(left, right)| left == right).count()
}

/// `None` if the delta is too long with them, or was already.
fn put_inserts(delta: &mut Vec<u8>, bytes: &[u8], max_delta_bytes: usize) -> Option<()> {
    if delta.len().saturating_add(bytes.len()) > max_delta_bytes {
        return None;
    }
    for piece in bytes.chunks(MAX_INSERT) {
        delta.extend(u8::try_from(piece.len()));
        delta.extend_from_slice(piece);
    }
    Some(())
}

fn put_copies(delta: &mut Vec<u8>, mut offset: usize, mut length: usize) {
    while length > 0 {
        let piece = length.min(MAX_COPY);
        let coded_length = if piece == MAX_COPY { 0 } else { piece };
        put_copy(delta, offset as u64 | (coded_length as u64) << 32);
        offset += piece;
        length -= piece;
    }
}

/// One copy: four bytes of offset and three of length, the zeros among them left out.
fn put_copy(delta: &mut Vec<u8>, fields: u64) {
    let at = delta.len();
    let mut op = 0x80;
    delta.push(op);
    for (bit, byte) in fields.to_le_bytes().into_iter().take(7).enumerate().filter(|(_, byte)| *byte != 0) {
        op |= 1 << bit;
        delta.push(byte);
    }
    delta[at] = op;
}

fn put_varint(delta: &mut Vec<u8>, size: usize) {
    let mut rest = size;
    while rest > 0x7f {
        delta.push(0x80 | (rest & 0x7f).to_le_bytes()[0]);
        rest >>= 7;
    }
    delta.push(rest.to_le_bytes()[0]);
}
