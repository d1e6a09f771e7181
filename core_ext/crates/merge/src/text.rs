//! Merging the lines of three texts, as xdiff does for Git.
//!
//! Both sides are compared with the base by gitoxide's histogram diff. Changes that touch or overlap are a conflict, unless
//! they are the same; a conflict is then narrowed to the lines in which the two sides differ from each other, and conflicts
//! with three lines or fewer between them become one (xdiff's "zealous" level, which Git uses).

use crate::lines::{Change, changes, check_limit, count, lines};
use crate::marked::{Marks, Writer};
use gix_imara_diff::{InternedInput, Token, sources};
use packhouse_object::Result;
use std::ops::Range;

/// A merged text, and whether it has conflicts.
pub(crate) struct Merged {
    pub(crate) text: Vec<u8>,
    pub(crate) is_clean: bool,
}

/// The most lines of three texts together.
const MAX_LINES: u64 = 1_000_000;
/// Merge two texts that were made of `base`.
///
/// # Errors
/// `Limit` if that would take too long.
pub(crate) fn merge(base: &[u8], ours: &[u8], theirs: &[u8], marks: &Marks<'_>) -> Result<Merged> {
    let mut input = InternedInput::new(sources::byte_lines(base), sources::byte_lines(ours));
    let our_lines = std::mem::take(&mut input.after);
    input.update_after(sources::byte_lines(theirs));
    let texts = Texts { base: &input.before, ours: &our_lines, theirs: &input.after, input: &input };
    check_limit(
        "lines of texts to be merged",
        [texts.base, texts.ours, texts.theirs].map(count).iter().sum(),
        MAX_LINES,
    )?;
    let regions = texts.regions()?;
    let is_clean = !regions.iter().any(|region| region.from == Origin::Conflict);
    Ok(Merged { text: Writer { texts: &texts, marks, out: Vec::new() }.write(&regions), is_clean })
}

/// A changed place: where it is in each text.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) from: Origin,
    pub(crate) base: Range<u32>,
    pub(crate) ours: Range<u32>,
    pub(crate) theirs: Range<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Ours,
    Theirs,
    Conflict,
    /// A conflict that was none: both sides have the same lines.
    Both,
}

pub(crate) struct Texts<'a> {
    pub(crate) base: &'a [Token],
    pub(crate) ours: &'a [Token],
    pub(crate) theirs: &'a [Token],
    input: &'a InternedInput<&'a [u8]>,
}

impl Texts<'_> {
    fn regions(&self) -> Result<Vec<Region>> {
        let (ours, theirs) = (changes(self.base, self.ours)?, changes(self.base, self.theirs)?);
        let regions = self.overlaid(&ours, &theirs).into_iter().map(|region| self.narrowed(region));
        Ok(joined(regions.collect::<Result<Vec<_>>>()?.concat()))
    }

    /// The changes of both sides in the order of the base.
    fn overlaid(&self, ours: &[Change], theirs: &[Change]) -> Vec<Region> {
        let mut regions = Regions::default();
        let (mut ours, mut theirs) = (ours.iter().peekable(), theirs.iter().peekable());
        let (mut our_shift, mut their_shift) = (0, 0);
        while let (Some(mine), Some(other)) = (ours.peek(), theirs.peek()) {
            if mine.before.end < other.before.start {
                regions.add(one_side(Origin::Ours, mine, their_shift));
            } else if other.before.end < mine.before.start {
                regions.add(one_side(Origin::Theirs, other, our_shift));
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
        ours.for_each(|change| regions.add(one_side(Origin::Ours, change, their_shift)));
        theirs.for_each(|change| regions.add(one_side(Origin::Theirs, change, our_shift)));
        regions.list
    }

    fn is_same_change(&self, ours: &Change, theirs: &Change) -> bool {
        ours.before == theirs.before && lines(self.ours, &ours.after) == lines(self.theirs, &theirs.after)
    }

    /// A conflict cut down to the lines in which the sides differ.
    fn narrowed(&self, region: Region) -> Result<Vec<Region>> {
        if region.from != Origin::Conflict || region.ours.is_empty() || region.theirs.is_empty() {
            return Ok(vec![region]);
        }
        let changes = changes(lines(self.ours, &region.ours), lines(self.theirs, &region.theirs))?;
        if changes.is_empty() {
            return Ok(vec![Region { from: Origin::Both, ..region }]);
        }
        let within = |range: &Range<u32>, start: u32| range.start + start..range.end + start;
        let part = |change: &Change| Region {
            from: Origin::Conflict,
            base: region.base.clone(),
            ours: within(&change.before, region.ours.start),
            theirs: within(&change.after, region.theirs.start),
        };
        Ok(changes.iter().map(part).collect())
    }

    /// The bytes of a line.
    pub(crate) fn line(&self, token: Token) -> &[u8] {
        self.input.interner[token]
    }
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
fn one_side(from: Origin, change: &Change, shift: i64) -> Region {
    let (base, mine, other) = (change.before.clone(), change.after.clone(), shifted(&change.before, shift));
    match from {
        Origin::Theirs => Region { from, base, ours: other, theirs: mine },
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
    Region { from: Origin::Conflict, base: start..end, ours: stretched(ours), theirs: stretched(theirs) }
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
                    last.from = Origin::Conflict;
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
            Some(last)
                if last.from == Origin::Conflict && region.from == Origin::Conflict && is_near(last, &region) =>
            {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MARKS: Marks<'_> = Marks { size: 7, ours: b"ours", theirs: b"theirs" };

    fn merged(base: &str, ours: &str, theirs: &str) -> (String, bool) {
        let merged = merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), &MARKS).expect("small texts");
        (String::from_utf8(merged.text).expect("as it came"), merged.is_clean)
    }

    #[test]
    fn changes_with_a_line_between_them_are_both_taken_and_neighbours_are_a_conflict() {
        assert_eq!(merged("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n"), ("A\nb\nC\n".to_owned(), true));
        assert!(!merged("a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n").1);
    }

    #[test]
    fn a_conflict_has_only_the_lines_in_which_the_sides_differ() {
        let text = "a\nsame\n<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\nend\n";
        assert_eq!(merged("a\nb\nend\n", "a\nsame\none\nend\n", "a\nsame\ntwo\nend\n"), (text.to_owned(), false));
    }

    #[test]
    fn marks_end_as_the_lines_do() {
        let text = "a\r\n<<<<<<< ours\r\none\r\n=======\r\ntwo\r\n>>>>>>> theirs\r\n";
        assert_eq!(merged("a\r\nb\r\n", "a\r\none\r\n", "a\r\ntwo"), (text.to_owned(), false));
    }

    #[test]
    fn a_repeated_line_that_one_side_takes_out_beside_the_others_change_is_a_conflict() {
        let base = "same 11\nalpha 8\n\nbeta\nbeta\n}";
        let ours = "same 11\nalpha 8\n\nbeta\nbeta\n}\nbeta 1\nsame 20\nreturn\n";
        assert!(!merged(base, ours, "same 11\nalpha 8\n\nbeta\n}").1);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a\n", "b\n", "c\r\n", "\n", "d"]), 0..20)
            .prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn a_side_that_changed_nothing_leaves_the_other_as_it_is(base in texts(), side in texts()) {
            prop_assert_eq!(merged(&base, &base, &side), (side.clone(), true));
            prop_assert_eq!(merged(&base, &side, &base), (side.clone(), true));
            prop_assert_eq!(merged(&base, &side, &side), (side, true));
        }

        #[test]
        fn who_merges_whom_does_not_change_a_clean_text(base in texts(), left in texts(), right in texts()) {
            let (there, back) = (merged(&base, &left, &right), merged(&base, &right, &left));
            prop_assert_eq!(there.1, back.1);
            prop_assert!(!there.1 || there.0 == back.0);
        }
    }
}
