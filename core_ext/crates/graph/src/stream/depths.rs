//! How long delta chains become.
//!
//! Within one pack chains are as long as ingest allowed. Across packs they add up, and a chain that is too long makes every
//! reader slow. So an answer from several packs counts: an object whose chain would have more deltas than it may is
//! written whole, and chains start anew from it. What is copied with all of its pack stays as it is, and is counted. A depth depends on the answer alone, so it need not be remembered: a
//! small table of fixed size spares most of the counting, where a number for each object would break law 9.

use super::answer::{Answer, Form};
use packhouse_object::{Error, Result};
use packhouse_pack::Ordinal;

/// The most deltas between an object and one that is whole, or is at the client: what Git's pack-objects allows at most.
pub(crate) const MAX_CHAIN_DEPTH: u16 = 4095;

/// 512 KiB of slots.
const SLOTS: usize = 1 << 16;

/// No object's ordinal: a database has fewer objects.
const NOBODY: Ordinal = Ordinal::MAX;

pub(crate) struct Depths {
    slots: Vec<(Ordinal, u16)>,
    max_depth: u16,
    /// Which packs are copied whole.
    copied: Vec<bool>,
}

impl Depths {
    pub(crate) fn new(max_depth: u16, copied: Vec<bool>) -> Self {
        Self { slots: vec![(NOBODY, 0); SLOTS], max_depth, copied }
    }

    /// How many deltas lie below an object of the answer; 0 for one that is to be written whole.
    pub(crate) fn of(&mut self, answer: &Answer, ordinal: Ordinal) -> Result<u16> {
        let (mut chain, mut at) = (Vec::new(), ordinal);
        let mut depth = loop {
            if let Some(depth) = self.known(at) {
                break depth;
            }
            match answer.form_of(at)? {
                Form::Delta(base) => {
                    chain.push(at);
                    check_length(answer, ordinal, chain.len())?;
                    at = base;
                }
                Form::Thin(_) => break self.note(at, 1),
                Form::Whole | Form::Unusable => break self.note(at, 0),
            }
        };
        for above in chain.into_iter().rev() {
            let stays = depth < self.max_depth || self.copied[answer.db.pack_number(above).0];
            depth = self.note(above, if stays { depth.saturating_add(1) } else { 0 });
        }
        Ok(depth)
    }

    fn known(&self, ordinal: Ordinal) -> Option<u16> {
        let (known, depth) = self.slots[ordinal as usize % SLOTS];
        (known == ordinal).then_some(depth)
    }

    fn note(&mut self, ordinal: Ordinal, depth: u16) -> u16 {
        self.slots[ordinal as usize % SLOTS] = (ordinal, depth);
        depth
    }
}

/// Stop at a chain that no sound pack can have: a cycle of damaged deltas.
fn check_length(answer: &Answer, ordinal: Ordinal, length: usize) -> Result<()> {
    let limit = u64::from(answer.db.limits().max_delta_depth) * answer.db.packs().len() as u64;
    if length as u64 <= limit {
        return Ok(());
    }
    let (pack, offset) = answer.db.pack_and_offset(ordinal);
    let what = format!("its delta chain is a cycle or longer than {limit} (pack {})", pack.name());
    Err(Error::CorruptPack { offset, what })
}
