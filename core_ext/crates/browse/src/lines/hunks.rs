//! Lines that differ put together with those around them.

use super::{Hunk, LineKind, LineOptions};
use gix_imara_diff::{Diff, InternedInput, Token};
use std::ops::Range;

/// Makes hunks of the places where two files differ.
pub(super) struct Hunks<'a> {
    input: &'a InternedInput<&'a [u8]>,
    context: u32,
    /// Lines that may still be told.
    left: usize,
    hunks: Vec<Hunk>,
}

type Change = gix_imara_diff::Hunk;

impl<'a> Hunks<'a> {
    pub(super) const fn new(input: &'a InternedInput<&'a [u8]>, options: &LineOptions) -> Self {
        Self { input, context: options.context, left: options.max_lines, hunks: Vec::new() }
    }

    /// The hunks, and whether some lines are missing.
    pub(super) fn all(mut self, diff: &Diff) -> (Vec<Hunk>, bool) {
        let mut group: Vec<Change> = Vec::new();
        for change in diff.hunks() {
            // Those whose lines of context would meet are one hunk.
            let is_apart = |last: &Change| change.before.start - last.before.end > self.context.saturating_mul(2);
            if group.last().is_some_and(is_apart) && !self.tell(&std::mem::take(&mut group)) {
                return (self.hunks, true);
            }
            group.push(change);
        }
        let is_whole = self.tell(&group);
        (self.hunks, !is_whole)
    }

    /// Add a hunk of some changes. Returns whether all of its lines could be told.
    fn tell(&mut self, changes: &[Change]) -> bool {
        let Some(first) = changes.first() else { return true };
        let ahead = self.context.min(first.before.start);
        let (old_start, new_start) = (first.before.start - ahead, first.after.start - ahead);
        let mut hunk = Hunk { old_start, old_lines: 0, new_start, new_lines: 0, lines: Vec::new() };
        let (mut at, mut is_whole) = (old_start, true);
        for change in changes {
            is_whole = is_whole
                && self.add(&mut hunk, LineKind::Context, at..change.before.start)
                && self.add(&mut hunk, LineKind::Deleted, change.before.clone())
                && self.add(&mut hunk, LineKind::Added, change.after.clone());
            at = change.before.end;
        }
        let end = at.saturating_add(self.context).min(line_count(&self.input.before));
        is_whole = is_whole && self.add(&mut hunk, LineKind::Context, at..end);
        if !hunk.lines.is_empty() {
            self.hunks.push(numbered(hunk));
        }
        is_whole
    }

    /// Add lines of the one file or the other, as many as may be told. Returns whether that was all.
    fn add(&mut self, hunk: &mut Hunk, kind: LineKind, lines: Range<u32>) -> bool {
        let tokens = if kind == LineKind::Added { &self.input.after } else { &self.input.before };
        let count = lines.len().min(self.left);
        let told = &tokens[lines.start as usize..][..count];
        hunk.lines.extend(told.iter().map(|&token| (kind, self.input.interner[token].to_vec())));
        self.left -= count;
        let added = line_count(told);
        hunk.old_lines += if kind == LineKind::Added { 0 } else { added };
        hunk.new_lines += if kind == LineKind::Deleted { 0 } else { added };
        count == lines.len()
    }
}

/// A hunk with its lines counted from 1; where it has none of a file, the line before is named.
fn numbered(hunk: Hunk) -> Hunk {
    let number = |start, count| start + u32::from(count > 0);
    let (old_start, new_start) = (number(hunk.old_start, hunk.old_lines), number(hunk.new_start, hunk.new_lines));
    Hunk { old_start, new_start, ..hunk }
}

#[allow(clippy::cast_possible_truncation)] // the algorithm takes no more than 2^31 lines, and a blob has fewer in its limit
fn line_count(lines: &[Token]) -> u32 {
    lines.len() as u32
}
