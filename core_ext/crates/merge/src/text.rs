//! Merging the lines of three texts, as xdiff does for Git.
//!
//! Both sides are compared with the base by gitoxide's histogram diff. Changes that touch or overlap are a conflict, unless
//! they are the same; a conflict is then narrowed to the lines in which the two sides differ from each other, and conflicts
//! with three lines or fewer between them become one (xdiff's "zealous" level, which Git uses).

use gix_imara_diff::{Algorithm, Diff, InternedInput, NoSliderHeuristic, Token, sources};
use std::ops::Range;

/// The marks around a conflict: how long they are, and what is written behind them.
pub(crate) struct Marks<'a> {
    pub(crate) size: usize,
    pub(crate) ours: &'a [u8],
    pub(crate) theirs: &'a [u8],
}

/// A merged text, and whether it has conflicts.
pub(crate) struct Merged {
    pub(crate) text: Vec<u8>,
    pub(crate) is_clean: bool,
}

/// Merge two texts that were made of `base`.
pub(crate) fn merge(base: &[u8], ours: &[u8], theirs: &[u8], marks: &Marks<'_>) -> Merged {
    let mut input = InternedInput::new(sources::byte_lines(base), sources::byte_lines(ours));
    let our_lines = std::mem::take(&mut input.after);
    input.update_after(sources::byte_lines(theirs));
    let texts = Texts { base: &input.before, ours: &our_lines, theirs: &input.after, input: &input };
    let regions = texts.regions();
    let is_clean = !regions.iter().any(|region| region.from == From::Conflict);
    Merged { text: Writer { texts: &texts, marks, out: Vec::new() }.write(&regions), is_clean }
}

/// A changed place: where it is in each text.
#[derive(Clone, Debug)]
struct Region {
    from: From,
    base: Range<u32>,
    ours: Range<u32>,
    theirs: Range<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Ours,
    Theirs,
    Conflict,
    /// A conflict that was none: both sides have the same lines.
    Both,
}

struct Change {
    before: Range<u32>,
    after: Range<u32>,
}

struct Texts<'a> {
    base: &'a [Token],
    ours: &'a [Token],
    theirs: &'a [Token],
    input: &'a InternedInput<&'a [u8]>,
}

impl Texts<'_> {
    fn regions(&self) -> Vec<Region> {
        let (ours, theirs) = (self.changes(self.base, self.ours), self.changes(self.base, self.theirs));
        joined(self.narrowed(self.overlaid(&ours, &theirs)))
    }

    /// What one text differs in from another.
    fn changes(&self, before: &[Token], after: &[Token]) -> Vec<Change> {
        let mut diff = untrimmed(before, after, self.input.interner.num_tokens());
        diff.postprocess_with(before, after, NoSliderHeuristic);
        diff.hunks().map(|hunk| Change { before: hunk.before, after: hunk.after }).collect()
    }

    /// The changes of both sides in the order of the base.
    fn overlaid(&self, ours: &[Change], theirs: &[Change]) -> Vec<Region> {
        let mut regions = Regions::default();
        let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
        let (mut our_shift, mut their_shift) = (0, 0);
        while let (Some(mine), Some(other)) = (ours.peek(), theirs.peek()) {
            if mine.before.end < other.before.start {
                regions.add(one_side(From::Ours, mine, their_shift));
            } else if other.before.end < mine.before.start {
                regions.add(one_side(From::Theirs, other, our_shift));
            } else if !self.is_same_change(mine, other) {
                regions.add(overlapping(mine, other));
            }
            let (my_end, other_end) = (mine.before.end, other.before.end);
            if my_end <= other_end {
                our_shift = shift(mine);
                ours.next();
            }
            if other_end <= my_end {
                their_shift = shift(other);
                theirs.next();
            }
        }
        ours.for_each(|change| regions.add(one_side(From::Ours, change, their_shift)));
        theirs.for_each(|change| regions.add(one_side(From::Theirs, change, our_shift)));
        regions.list
    }

    fn is_same_change(&self, ours: &Change, theirs: &Change) -> bool {
        ours.before == theirs.before && lines(self.ours, &ours.after) == lines(self.theirs, &theirs.after)
    }

    /// Conflicts cut down to the lines in which the sides differ.
    fn narrowed(&self, regions: Vec<Region>) -> Vec<Region> {
        regions.into_iter().flat_map(|region| self.narrow(region)).collect()
    }

    fn narrow(&self, region: Region) -> Vec<Region> {
        if region.from != From::Conflict || region.ours.is_empty() || region.theirs.is_empty() {
            return vec![region];
        }
        let changes = self.changes(lines(self.ours, &region.ours), lines(self.theirs, &region.theirs));
        if changes.is_empty() {
            return vec![Region { from: From::Both, ..region }];
        }
        let within = |range: &Range<u32>, start: u32| range.start + start..range.end + start;
        let part = |change: &Change| Region {
            from: From::Conflict,
            base: region.base.clone(),
            ours: within(&change.before, region.ours.start),
            theirs: within(&change.after, region.theirs.start),
        };
        changes.iter().map(part).collect()
    }

    fn line(&self, token: Token) -> &[u8] {
        self.input.interner[token]
    }
}

/// The histogram diff of two texts whose common ends count like all other lines.
///
/// Gitoxide's takes them off first and Git's does not, which can make another line the rarest one, and another diff. With
/// lines around them that no text has, there are no common ends; the diff of the texts themselves is then made anew from
/// what was found, of lines which are all different.
fn untrimmed(before: &[Token], after: &[Token], token_count: u32) -> Diff {
    let mut found = Diff::default();
    let (around_before, around_after) = (Token(token_count), Token(token_count + 1));
    let (walled_before, walled_after) = (walled(before, around_before), walled(after, around_after));
    found.compute_with(Algorithm::Histogram, &walled_before, &walled_after, token_count + 2);
    let mut next = 0..;
    let mut fresh = || Token(next.next().unwrap_or(u32::MAX));
    let (mut marked_before, mut marked_after) = (Vec::with_capacity(before.len()), Vec::with_capacity(after.len()));
    let (mut old, mut new) = (0, 0);
    while old < before.len() || new < after.len() {
        if old < before.len() && found.is_removed(index(old) + 1) {
            marked_before.push(fresh());
            old += 1;
        } else if new < after.len() && found.is_added(index(new) + 1) {
            marked_after.push(fresh());
            new += 1;
        } else {
            let common = fresh();
            marked_before.push(common);
            marked_after.push(common);
            (old, new) = (old + 1, new + 1);
        }
    }
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, &marked_before, &marked_after, fresh().0);
    diff
}

fn walled(text: &[Token], wall: Token) -> Vec<Token> {
    std::iter::once(wall).chain(text.iter().copied()).chain(std::iter::once(wall)).collect()
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn lines<'a>(text: &'a [Token], range: &Range<u32>) -> &'a [Token] {
    &text[range.start as usize..range.end as usize]
}

/// How much further down the lines after a change are in the changed text.
fn shift(change: &Change) -> i64 {
    i64::from(change.after.end) - i64::from(change.before.end)
}

fn shifted(range: &Range<u32>, by: i64) -> Range<u32> {
    let moved = |line: u32| u32::try_from(i64::from(line) + by).unwrap_or(0);
    moved(range.start)..moved(range.end)
}

/// A change that the other side did not make. shift: of the other side, at this place.
fn one_side(from: From, change: &Change, shift: i64) -> Region {
    let (base, mine, other) = (change.before.clone(), change.after.clone(), shifted(&change.before, shift));
    match from {
        From::Theirs => Region { from, base, ours: other, theirs: mine },
        _ => Region { from, base, ours: mine, theirs: other },
    }
}

/// Two changes that touch, and what is between their ends.
fn overlapping(ours: &Change, theirs: &Change) -> Region {
    let start = ours.before.start.min(theirs.before.start);
    let end = ours.before.end.max(theirs.before.end);
    // A change further up may have taken away the lines that this would start with: it is joined with that one then.
    let stretched = |change: &Change| {
        let before = change.before.start - start;
        change.after.start.saturating_sub(before)..change.after.end + (end - change.before.end)
    };
    Region { from: From::Conflict, base: start..end, ours: stretched(ours), theirs: stretched(theirs) }
}

/// Regions in order; one that touches the one before it is added to it.
#[derive(Default)]
struct Regions {
    list: Vec<Region>,
}

impl Regions {
    fn add(&mut self, region: Region) {
        match self.list.last_mut() {
            Some(last) if region.ours.start <= last.ours.end || region.theirs.start <= last.theirs.end => {
                if last.from != region.from {
                    last.from = From::Conflict;
                }
                stretch(last, &region);
            }
            _ => self.list.push(region),
        }
    }
}

fn stretch(region: &mut Region, to: &Region) {
    region.base.end = to.base.end;
    region.ours.end = to.ours.end;
    region.theirs.end = to.theirs.end;
}

/// Conflicts with at most so many of our lines between them become one.
const MAX_LINES_BETWEEN: u32 = 3;

fn joined(regions: Vec<Region>) -> Vec<Region> {
    let mut list: Vec<Region> = Vec::with_capacity(regions.len());
    for region in regions {
        match list.last_mut() {
            Some(last) if last.from == From::Conflict && region.from == From::Conflict && is_near(last, &region) => {
                stretch(last, &region);
            }
            _ => list.push(region),
        }
    }
    list
}

fn is_near(first: &Region, second: &Region) -> bool {
    second.ours.start.saturating_sub(first.ours.end) <= MAX_LINES_BETWEEN
}

/// The merged text: ours, with their changes and the conflicts put in.
struct Writer<'a> {
    texts: &'a Texts<'a>,
    marks: &'a Marks<'a>,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn write(mut self, regions: &[Region]) -> Vec<u8> {
        let mut done = 0;
        let count = u32::try_from(self.texts.ours.len()).unwrap_or(u32::MAX);
        for region in regions.iter().filter(|region| region.from != From::Both) {
            self.copy(self.texts.ours, &(done..region.ours.start));
            match region.from {
                From::Theirs => self.copy(self.texts.theirs, &region.theirs),
                From::Conflict => self.conflict(region),
                From::Ours | From::Both => self.copy(self.texts.ours, &region.ours),
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
