//! A set of objects of one database: a bit for each ordinal.

use std::ops::Range;

/// A fixed-size set of numbers below `len`. Memory: `len / 8` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitSet {
    words: Vec<u64>,
    len: u32,
}

impl BitSet {
    /// The empty set of numbers below `len`.
    #[must_use]
    pub fn new(len: u32) -> Self {
        Self { words: vec![0; len.div_ceil(64) as usize], len }
    }

    /// The set of all numbers below `len`.
    #[must_use]
    pub fn full(len: u32) -> Self {
        let mut set = Self::new(len);
        set.words.fill(u64::MAX);
        if let (Some(last), used @ 1..) = (set.words.last_mut(), len % 64) {
            *last = (1 << used) - 1;
        }
        set
    }

    /// One more than the greatest number that the set can hold.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether no number is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// Whether `number` is in the set; numbers beyond `len` never are.
    #[must_use]
    pub fn get(&self, number: u32) -> bool {
        self.words.get(word_of(number)).is_some_and(|word| word & bit_of(number) != 0)
    }

    /// Add `number`. Returns whether it was new.
    ///
    /// # Panics
    /// If `number` is not below `len`: ordinals come from the database that sized the set.
    pub fn insert(&mut self, number: u32) -> bool {
        assert!(number < self.len, "{number} in a set of {}", self.len);
        let word = &mut self.words[word_of(number)];
        let new = *word & bit_of(number) == 0;
        *word |= bit_of(number);
        new
    }

    /// Take `number` out. Returns whether it was in.
    pub fn remove(&mut self, number: u32) -> bool {
        let was = self.get(number);
        if was {
            self.words[word_of(number)] &= !bit_of(number);
        }
        was
    }

    /// How many numbers are in the set.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// How many numbers of `run` are in the set.
    ///
    /// # Panics
    /// If the run does not end within the set.
    #[must_use]
    pub fn count_run(&self, run: Range<u32>) -> u32 {
        assert!(run.end <= self.len, "{run:?} of {}", self.len);
        let words = run.clone().step_by(64).map(|first| self.word_from(first) & first_bits(run.end - first));
        words.map(u64::count_ones).sum()
    }

    /// The numbers in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).step_by(64).zip(&self.words).flat_map(|(first, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| first + rest.trailing_zeros())
        })
    }

    /// Add what is in `other`.
    pub fn union(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine | theirs);
    }

    /// Take out what is in `other`.
    pub fn minus(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine & !theirs);
    }

    /// Keep only what is in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine & theirs);
    }

    /// Change what is in `other`: take out what is in both, add what is not.
    pub fn toggle(&mut self, other: &Self) {
        self.combine(other, |mine, theirs| mine ^ theirs);
    }

    /// Add the numbers of `run` that are in `source`, the first number of the run as `at`, and so on.
    ///
    /// # Panics
    /// If the run does not end within `source`, or here.
    pub fn copy_run(&mut self, at: u32, source: &Self, run: Range<u32>) {
        assert!(run.end <= source.len && run.len() <= (self.len - at) as usize, "{run:?} at {at} of {}", self.len);
        for first in run.clone().step_by(64) {
            self.add_word(at + (first - run.start), source.word_from(first) & first_bits(run.end - first));
        }
    }

    /// The 64 numbers from `first` on.
    fn word_from(&self, first: u32) -> u64 {
        let (at, shift) = (word_of(first), first % 64);
        let next = self.words.get(at + 1).copied().unwrap_or(0);
        self.words[at] >> shift | next.checked_shl(64 - shift).unwrap_or(0)
    }

    fn add_word(&mut self, first: u32, word: u64) {
        let (at, shift) = (word_of(first), first % 64);
        self.words[at] |= word << shift;
        match word.checked_shr(64 - shift) {
            None | Some(0) => (),
            Some(rest) => self.words[at + 1] |= rest,
        }
    }

    /// Whether each of its numbers is in `other` too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        assert_eq!(self.len, other.len, "sets of different databases");
        self.words.iter().zip(&other.words).all(|(mine, theirs)| mine & !theirs == 0)
    }

    /// 64 numbers each, the lowest bit for the first.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The same, to be changed by who sees to it that `is_within_len` holds afterwards.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Whether no bit is set beyond `len`.
    pub(crate) fn is_within_len(&self) -> bool {
        self.len.is_multiple_of(64) || self.words.last().is_none_or(|&last| last >> (self.len % 64) == 0)
    }

    fn combine(&mut self, other: &Self, operation: impl Fn(u64, u64) -> u64) {
        assert_eq!(self.len, other.len, "sets of different databases");
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine = operation(*mine, *theirs);
        }
    }
}

const fn word_of(number: u32) -> usize {
    (number / 64) as usize
}

/// The lowest bits, so many but at most 64; at least one.
const fn first_bits(count: u32) -> u64 {
    u64::MAX >> 64u32.saturating_sub(count)
}

const fn bit_of(number: u32) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers() -> impl Strategy<Value = (u32, BTreeSet<u32>, BTreeSet<u32>)> {
        (1u32..300).prop_flat_map(|len| {
            let some = prop::collection::btree_set(0..len, 0..100);
            (Just(len), some.clone(), some)
        })
    }

    fn set_of(len: u32, numbers: &BTreeSet<u32>) -> BitSet {
        let mut set = BitSet::new(len);
        assert!(numbers.iter().all(|&number| set.insert(number)));
        set
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_tree_of_numbers((len, left, right) in numbers()) {
            let (one, two) = (set_of(len, &left), set_of(len, &right));
            prop_assert_eq!(one.iter().collect::<BTreeSet<_>>(), left.clone());
            prop_assert_eq!((one.count() as usize, one.is_empty()), (left.len(), left.is_empty()));
            prop_assert!((0..len + 100).all(|number| one.get(number) == left.contains(&number)));
            let mut result = one.clone();
            result.union(&two);
            prop_assert_eq!(result, set_of(len, &(&left | &right)));
            let mut result = one.clone();
            result.minus(&two);
            prop_assert_eq!(result, set_of(len, &(&left - &right)));
            let mut result = one.clone();
            result.intersect(&two);
            prop_assert_eq!(result, set_of(len, &(&left & &right)));
            let mut result = one.clone();
            result.toggle(&two);
            prop_assert_eq!(result, set_of(len, &(&left ^ &right)));
            prop_assert_eq!(one.is_subset(&two), left.is_subset(&right));
            let mut rest = BitSet::full(len);
            prop_assert!(left.iter().all(|&number| rest.remove(number) && !rest.remove(number)));
            prop_assert_eq!(rest.count() as usize, len as usize - left.len());
        }
    }

    proptest! {
        #[test]
        fn a_run_is_copied_whole_and_alone(
            (len, numbers, before) in numbers(), at in 0u32..300, start in 0u32..300, end in 0u32..300,
        ) {
            let run = start.min(end).min(len)..end.min(len);
            let room = at + (run.end - run.start);
            let mut expected: BTreeSet<_> = before.iter().copied().filter(|&number| number < room).collect();
            let mut target = set_of(room, &expected);
            let source = set_of(len, &numbers);
            prop_assert_eq!(source.count_run(run.clone()) as usize, numbers.range(run.clone()).count());
            target.copy_run(at, &source, run.clone());
            expected.extend(numbers.range(run.clone()).map(|number| number - run.start + at));
            prop_assert_eq!(target, set_of(room, &expected));
        }
    }

    #[test]
    fn an_inserted_number_is_new_once() {
        let mut set = BitSet::new(65);
        assert!(set.insert(64) && !set.insert(64));
        assert_eq!(BitSet::full(128).count(), 128);
        assert_eq!(BitSet::full(0).count(), 0);
    }
}
