//! How many of some numbers are below each number.

/// A set of numbers that knows the rank of each. Memory: two bits for each number that it could hold.
pub(super) struct Ranks {
    words: Vec<Word>,
}

#[derive(Clone, Copy, Default)]
struct Word {
    bits: u64,
    /// How many members there are below this word.
    below: u32,
}

impl Ranks {
    /// The set of these numbers, which ascend and are below `len`.
    pub(super) fn of(ascending: &[u32], len: u32) -> Self {
        let mut words = vec![Word::default(); len.div_ceil(64) as usize];
        for &number in ascending {
            words[(number / 64) as usize].bits |= 1 << (number % 64);
        }
        let mut total = 0;
        for word in &mut words {
            word.below = total;
            total += word.bits.count_ones();
        }
        Self { words }
    }

    /// How many members are below `number`, if it is one.
    pub(super) fn rank_of(&self, number: u32) -> Option<u32> {
        let word = self.words.get((number / 64) as usize)?;
        let bit = 1 << (number % 64);
        (word.bits & bit != 0).then(|| word.below + (word.bits & (bit - 1)).count_ones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranks_are_places_in_the_list(numbers in prop::collection::btree_set(0u32..500, 0..200), more in 0u32..100) {
            let numbers: Vec<_> = numbers.into_iter().collect();
            let len = numbers.last().map_or(0, |last| last + 1) + more;
            let ranks = Ranks::of(&numbers, len);
            for number in 0..len + 200 {
                prop_assert_eq!(ranks.rank_of(number), numbers.binary_search(&number).ok().and_then(|rank| u32::try_from(rank).ok()));
            }
        }
    }
}
