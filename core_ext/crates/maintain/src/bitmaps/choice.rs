//! Which commits get a bitmap.
//!
//! What is asked for later is a tip, or what a client had when it last came: mostly a recent commit, and mostly one of the
//! lines on which tips lie. So: the tips, the newest if there are very many; and of all commits by date one in each gap,
//! the gaps a sixteenth of the way back to the newest. In a gap the choice falls on the commit that lies on the first-parent
//! lines of the most tips, then on the newest.

use super::history::History;
use packhouse_pack::BitSet;
use std::cmp::Reverse;

const MAX_TIPS: usize = 4096;
const MAX_GAP: usize = 512;
/// A gap is so many times smaller than its distance from the newest commit.
const DISTANCE_PER_GAP: usize = 16;

/// The chosen commits, by number.
pub(super) fn chosen(history: &History) -> BitSet {
    let mut chosen = BitSet::new(history.len());
    let mut tips: Vec<u32> = history.tips.iter().collect();
    tips.sort_unstable_by_key(|&tip| Reverse((history.date_s(tip), tip)));
    tips.iter().take(MAX_TIPS).for_each(|&tip| _ = chosen.insert(tip));

    let lines = tips_by_line(history);
    let mut newest_first: Vec<u32> = (0..history.len()).collect();
    newest_first.sort_unstable_by_key(|&commit| Reverse((history.date_s(commit), commit)));
    let mut rest = &newest_first[..];
    while !rest.is_empty() {
        let distance = newest_first.len() - rest.len();
        let gap = (distance / DISTANCE_PER_GAP).clamp(1, MAX_GAP).min(rest.len());
        let (window, after) = rest.split_at(gap);
        let best = window.iter().enumerate().max_by_key(|&(age, &commit)| (lines[commit as usize], Reverse(age)));
        best.into_iter().for_each(|(_, &commit)| _ = chosen.insert(commit));
        rest = after;
    }
    chosen
}

/// For each commit, on the first-parent lines of how many tips it lies.
fn tips_by_line(history: &History) -> Vec<u32> {
    let mut lines: Vec<u32> = (0..history.len()).map(|commit| history.tips.get(commit).into()).collect();
    for commit in (0..history.len()).rev() {
        if let Some(&first) = history.parents(commit).first() {
            lines[first as usize] += lines[commit as usize]; // at most the count of tips
        }
    }
    lines
}
