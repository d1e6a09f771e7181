//! Which lines of a text differ from another's, by the histogram diff, as Git's xdiff finds them.

use gix_imara_diff::{Algorithm, Diff, NoSliderHeuristic, Token};
use packhouse_object::{Error, Result};
use std::collections::HashMap;
use std::ops::Range;

/// The histogram diff goes through what is left of a text for each place that was changed: so many lines, some seconds' work.
const MAX_LINES_PASSED: u64 = 500_000_000;

/// Lines that were replaced by others.
pub(crate) struct Change {
    pub(crate) before: Range<u32>,
    pub(crate) after: Range<u32>,
}

/// What one text differs in from another.
pub(crate) fn changes(before: &[Token], after: &[Token]) -> Result<Vec<Change>> {
    check_work(before, after)?;
    let mut diff = untrimmed(before, after);
    diff.postprocess_with(before, after, NoSliderHeuristic);
    Ok(diff.hunks().map(|hunk| Change { before: hunk.before, after: hunk.after }).collect())
}

/// Estimate by another diff, which is quick whatever it is given, how long the histogram diff will take.
fn check_work(before: &[Token], after: &[Token]) -> Result<()> {
    let lines = count(before) + count(after);
    if lines * lines <= MAX_LINES_PASSED {
        return Ok(());
    }
    let mut estimate = Diff::default();
    estimate.compute_with(Algorithm::Myers, before, after, 0);
    let changes = estimate.hunks().count() as u64;
    check_limit("lines times changed places of a text", lines * changes, MAX_LINES_PASSED)
}

/// A part of a text.
pub(crate) fn lines<'a>(text: &'a [Token], range: &Range<u32>) -> &'a [Token] {
    &text[range.start as usize..range.end as usize]
}

pub(crate) fn check_limit(what: &'static str, actual: u64, limit: u64) -> Result<()> {
    if actual > limit { Err(Error::Limit { what, actual, limit }) } else { Ok(()) }
}

pub(crate) fn count(text: &[Token]) -> u64 {
    text.len() as u64
}

/// The histogram diff of two texts whose common ends count like all other lines.
///
/// Gitoxide's takes them off first and Git's does not, which can make another line the rarest one, and another diff. With
/// lines around them that no text has, there are no common ends; the diff of the texts themselves is then made anew from
/// what was found, of lines which are all different: any algorithm finds it again, and this one at once.
fn untrimmed(before: &[Token], after: &[Token]) -> Diff {
    let mut found = Diff::default();
    let (walled_before, walled_after, token_count) = walled(before, after);
    found.compute_with(Algorithm::Histogram, &walled_before, &walled_after, token_count);
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
    diff.compute_with(Algorithm::Myers, &marked_before, &marked_after, fresh().0);
    diff
}

/// Two texts, each within lines of its own, and how many different lines there are.
///
/// Lines are numbered anew: the diff takes memory for each number, and a part of a text has few of its lines.
fn walled(before: &[Token], after: &[Token]) -> (Vec<Token>, Vec<Token>, u32) {
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut number = |token: &Token| {
        let next = index(numbers.len()) + 2;
        Token(*numbers.entry(token.0).or_insert(next))
    };
    let mut within = |wall: u32, text: &[Token]| {
        let wall = || std::iter::once(Token(wall));
        wall().chain(text.iter().map(&mut number)).chain(wall()).collect::<Vec<_>>()
    };
    let (before, after) = (within(0, before), within(1, after));
    (before, after, index(numbers.len()) + 2)
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
