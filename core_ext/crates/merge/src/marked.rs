//! A merged text, written out: its conflicts between marks.

use crate::lines::lines;
use crate::text::{Origin, Region, Texts};
use gix_imara_diff::Token;
use std::ops::Range;

/// The marks around a conflict: how long they are, and what is written behind them.
pub(crate) struct Marks<'a> {
    pub(crate) size: usize,
    pub(crate) ours: &'a [u8],
    pub(crate) theirs: &'a [u8],
}

/// The merged text: ours, with their changes and the conflicts put in.
pub(crate) struct Writer<'a> {
    pub(crate) texts: &'a Texts<'a>,
    pub(crate) marks: &'a Marks<'a>,
    pub(crate) out: Vec<u8>,
}

impl Writer<'_> {
    pub(crate) fn write(mut self, regions: &[Region]) -> Vec<u8> {
        let mut done = 0;
        let count = u32::try_from(self.texts.ours.len()).unwrap_or(u32::MAX);
        for region in regions.iter().filter(|region| region.from != Origin::Both) {
            self.copy(self.texts.ours, &(done..region.ours.start));
            match region.from {
                Origin::Theirs => self.copy(self.texts.theirs, &region.theirs),
                Origin::Conflict => self.conflict(region),
                Origin::Ours | Origin::Both => self.copy(self.texts.ours, &region.ours),
            }
            done = region.ours.end;
        }
        self.copy(self.texts.ours, &(done..count));
        self.out
    }

    fn copy(&mut self, text: &[Token], range: &Range<u32>) {
        for &token in lines(text, range) {
            self.out.extend_from_slice(self.texts.line(token));
        }
    }

    fn conflict(&mut self, region: &Region) {
        let line_end: &[u8] = if self.ends_with_cr(region) { b"\r\n" } else { b"\n" };
        self.mark(b'<', self.marks.ours, line_end);
        self.whole_lines(self.texts.ours, &region.ours, line_end);
        self.mark(b'=', b"", line_end);
        self.whole_lines(self.texts.theirs, &region.theirs, line_end);
        self.mark(b'>', self.marks.theirs, line_end);
    }

    fn mark(&mut self, mark: u8, name: &[u8], line_end: &[u8]) {
        self.out.extend(std::iter::repeat_n(mark, self.marks.size));
        if !name.is_empty() {
            self.out.push(b' ');
            self.out.extend_from_slice(name);
        }
        self.out.extend_from_slice(line_end);
    }

    /// Lines of a side, the last one ended if it is not.
    fn whole_lines(&mut self, text: &[Token], range: &Range<u32>, line_end: &[u8]) {
        self.copy(text, range);
        if !range.is_empty() && !self.out.ends_with(b"\n") {
            self.out.extend_from_slice(line_end);
        }
    }

    /// Whether marks end as lines on Windows do: if all the texts do, as far as that can be told.
    fn ends_with_cr(&self, region: &Region) -> bool {
        let before = |range: &Range<u32>| range.start.saturating_sub(1) as usize;
        let ends = [
            self.has_cr(self.texts.ours, before(&region.ours)),
            self.has_cr(self.texts.theirs, before(&region.theirs)),
            self.has_cr(self.texts.base, 0),
        ];
        !ends.contains(&Some(false)) && ends[2].is_some()
    }

    /// Whether a line ends with CR LF; `None` if the text has no line that ends.
    fn has_cr(&self, text: &[Token], at: usize) -> Option<bool> {
        let line = self.texts.line(*text.get(at)?);
        if line.ends_with(b"\n") {
            return Some(line.ends_with(b"\r\n"));
        }
        Some(self.texts.line(text[at.checked_sub(1)?]).ends_with(b"\r\n"))
    }
}
