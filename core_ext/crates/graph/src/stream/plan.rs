//! What a pack is made of: packs newest first, in each pack the entries by their offset.
//!
//! - All of a pack is wanted: its entries are one run of bytes. Their deltas stay valid, distances and all, because
//!   every base is copied with them.
//! - Some of it is wanted: there are runs between the holes (see `cursor.rs`), and between those, deltas whose base lies
//!   before a hole.
//! - What has no usable stored form (see `answer.rs`) is inflated and compressed again, whole.
//!
//! Nothing here depends on where entries will lie, so it can be decided ahead of what is being written.

use super::answer::{Answer, Form};
use super::cursor::{Cursor, Entry, Taken, table_of};
use super::depths::Depths;
use packhouse_object::Result;
use packhouse_pack::Pack;
use std::ops::Range;
use std::sync::Arc;

/// The next thing to be written.
pub(crate) enum Piece {
    /// Consecutive entries of the pack at this place, by rank, to be copied as they are.
    Run(usize, Range<usize>),
    /// An entry of the pack at this place, and its form.
    Entry(usize, Entry, Form),
}

/// The objects still to be decided on.
pub(crate) struct Plan {
    answer: Arc<Answer>,
    counts: Vec<u32>,
    number: usize,
    cursor: Option<Cursor>,
    /// Only where chains of several packs could become too long together. `None` until that was looked at.
    depths: Option<Option<Depths>>,
}

impl Plan {
    pub(crate) fn new(answer: Arc<Answer>) -> Self {
        let counts = answer.objects_by_pack();
        Self { answer, counts, number: 0, cursor: None, depths: None }
    }

    /// The pack that is the answer, byte for byte, if there is one. Nothing else is to be written then.
    pub(crate) fn take_verbatim(&mut self) -> Option<Arc<Pack>> {
        let mut giving = (0..self.counts.len()).filter(|&number| self.counts[number] > 0);
        let (number, None) = (giving.next()?, giving.next()) else { return None };
        let pack = &self.answer.db.packs()[number];
        if !self.is_complete(number) || !has_our_header(pack) {
            return None;
        }
        self.number = self.counts.len();
        Some(Arc::clone(pack))
    }

    /// Decide on the next piece.
    pub(crate) fn next(&mut self) -> Result<Option<Piece>> {
        while let Some(&count) = self.counts.get(self.number) {
            if self.is_complete(self.number) {
                self.next_pack();
                return Ok(Some(Piece::Run(self.number - 1, 0..count as usize)));
            }
            if count > 0
                && let Some(taken) = self.take()?
            {
                return self.piece_of(taken).map(Some);
            }
            self.next_pack();
        }
        Ok(None)
    }

    /// Whether a pack's entries can be copied as one run.
    fn is_complete(&self, number: usize) -> bool {
        self.answer.ofs_delta && self.counts[number] > 0 && self.counts[number] == self.answer.db.packs()[number].len()
    }

    fn next_pack(&mut self) {
        self.number += 1;
        self.cursor = None;
    }

    fn take(&mut self) -> Result<Option<Taken>> {
        let has_runs = self.depths()?.is_none() && self.answer.ofs_delta;
        let (answer, number, count) = (&self.answer, self.number, self.counts[self.number]);
        let pack = &answer.db.packs()[number];
        let table = if has_runs { table_of(pack, count, &answer.cancel)? } else { None };
        self.cursor.get_or_insert_with(|| Cursor::new(answer, number, count)).next(answer, number, table)
    }

    fn piece_of(&mut self, taken: Taken) -> Result<Piece> {
        match taken {
            Taken::Run(ranks) => Ok(Piece::Run(self.number, ranks)),
            Taken::Entry(entry) => {
                let form = self.form_of(&entry)?;
                Ok(Piece::Entry(self.number, entry, form))
            }
        }
    }

    fn form_of(&mut self, entry: &Entry) -> Result<Form> {
        let form = self.answer.form_over(entry.base);
        if matches!(form, Form::Delta(_)) && self.is_too_deep(entry)? { Ok(Form::Unusable) } else { Ok(form) }
    }

    fn is_too_deep(&mut self, entry: &Entry) -> Result<bool> {
        let answer = Arc::clone(&self.answer);
        self.depths()?.as_mut().map_or(Ok(false), |depths| Ok(depths.of(&answer, entry.ordinal)? == 0))
    }

    fn depths(&mut self) -> Result<&mut Option<Depths>> {
        if self.depths.is_none() {
            let copied = (0..self.counts.len()).map(|number| self.is_complete(number)).collect();
            let is_needed = may_become_too_long(&self.answer, &self.counts)?;
            self.depths = Some(is_needed.then(|| Depths::new(self.answer.max_chain_depth, copied)));
        }
        Ok(self.depths.get_or_insert_default())
    }
}

/// Whether chains that go through all packs that give objects could have more deltas than they may.
fn may_become_too_long(answer: &Answer, counts: &[u32]) -> Result<bool> {
    if counts.iter().filter(|&&count| count > 0).count() < 2 {
        return Ok(false);
    }
    let mut deltas = 0;
    for (pack, &count) in answer.db.packs().iter().zip(counts).filter(|&(_, &count)| count > 0) {
        let longest = table_of(pack, count, &answer.cancel)?.and_then(packhouse_pack::DeltaBases::longest_chain);
        deltas += u64::from(longest.unwrap_or(answer.db.limits().max_delta_depth)) + 1;
    }
    Ok(deltas > u64::from(answer.max_chain_depth))
}

fn has_our_header(pack: &Pack) -> bool {
    pack.bytes().starts_with(&super::PACK_SIGNATURE)
}
