//! Unavoidable bit conditions: what the expanded words of a block must look like if a collision attack made it.
//!
//! Stevens and Shumow (USENIX Security 2017) showed that along each disturbance vector certain pairs of message bits
//! are equal, or are unequal, in every feasible attack. The conditions move with the vector: counted from its start and
//! rotated by its bit, those of all vectors of a class are the same, as far as their steps lie in 35 to 64. So they are
//! written here once for each class and bit, and multiplied out when the program starts.
//!
//! Among bits that are linked by several conditions any spanning tree says the same; the trees are chosen so that
//! conditions of different vectors fall on the same pair of bits.

use super::vectors::{Class, VECTORS, Vector};
use std::sync::LazyLock;

/// The first step that a condition looks at is 35; 32 words from here on hold all that they look at.
pub const WINDOW_START: usize = 33;

/// Conditions on the same two bits of different words: together, so that the shifts are loaded once for all of them.
pub struct Group {
    /// How far left the first and the second word are shifted to bring their bit to the top.
    pub shifts: [u32; 2],
    /// All ones if the bits must differ, 0 if they must be equal.
    pub parity: u32,
    /// What the group holds.
    pub conditions: Vec<Condition>,
}

/// A condition on two words of the window, and the vectors for which it must hold.
pub struct Condition {
    /// The two words, counted from [`WINDOW_START`].
    pub words: [u8; 2],
    /// The vectors that are ruled out if it does not hold.
    pub vectors: u32,
}

/// Two message bits, as (step from K, bit from b), and the range of K in which they are tied.
struct Rule {
    first: (i8, u8),
    second: (i8, u8),
    differ: bool,
    starts: (u8, u8),
}

const fn same(first: (i8, u8), second: (i8, u8), starts: (u8, u8)) -> Rule {
    Rule { first, second, differ: false, starts }
}

const fn differ(first: (i8, u8), second: (i8, u8), starts: (u8, u8)) -> Rule {
    Rule { first, second, differ: true, starts }
}

/// I(K, 0).
const ONE_0: [Rule; 18] = [
    same((-16, 3), (-12, 28), (51, 51)),
    differ((-14, 4), (-13, 4), (50, 52)),
    same((-13, 4), (-9, 29), (48, 52)),
    same((-10, 4), (-7, 29), (47, 52)),
    same((-10, 4), (-6, 29), (45, 52)),
    same((-8, 29), (-7, 29), (48, 52)),
    differ((-6, 4), (-4, 4), (43, 52)),
    same((-6, 4), (-3, 29), (43, 52)),
    same((-4, 29), (-3, 29), (44, 52)),
    differ((-4, 4), (-2, 4), (43, 52)),
    same((-4, 4), (-1, 29), (43, 52)),
    differ((-2, 4), (0, 4), (43, 52)),
    same((-2, 4), (1, 29), (43, 52)),
    same((0, 4), (3, 29), (43, 52)),
    same((3, 29), (4, 29), (43, 52)),
    differ((15, 0), (16, 5), (43, 48)),
    differ((15, 0), (20, 30), (43, 44)),
    differ((18, 1), (19, 6), (43, 45)),
];

/// I(K, 2).
const ONE_2: [Rule; 11] = [
    same((-16, 3), (-12, 28), (51, 51)),
    differ((-14, 4), (-13, 4), (51, 51)),
    differ((-14, 31), (-13, 4), (49, 51)),
    differ((-11, 31), (-10, 4), (46, 51)),
    same((-10, 4), (-9, 31), (49, 51)),
    differ((-7, 31), (-6, 4), (46, 51)),
    same((-6, 4), (-4, 4), (46, 51)),
    same((-4, 4), (-2, 4), (46, 51)),
    same((-2, 4), (0, 4), (46, 51)),
    same((0, 4), (1, 31), (46, 51)),
    differ((15, 0), (16, 5), (46, 48)),
];

/// II(K, 0).
const TWO_0: [Rule; 22] = [
    differ((-18, 4), (-16, 4), (54, 56)),
    same((-18, 4), (-15, 29), (55, 56)),
    differ((-16, 4), (-14, 4), (52, 56)),
    same((-16, 4), (-13, 29), (53, 56)),
    same((-16, 29), (-15, 29), (56, 56)),
    differ((-13, 30), (-12, 3), (48, 52)),
    same((-12, 3), (-8, 28), (47, 56)),
    same((-12, 4), (-8, 29), (47, 56)),
    same((-9, 4), (-6, 29), (46, 56)),
    same((-9, 4), (-5, 29), (45, 56)),
    same((-7, 29), (-6, 29), (47, 56)),
    same((-4, 4), (-1, 29), (45, 56)),
    same((-2, 29), (-1, 29), (45, 56)),
    same((-1, 29), (0, 29), (45, 56)),
    differ((2, 4), (4, 4), (45, 53)),
    same((2, 4), (4, 29), (45, 55)),
    same((4, 29), (5, 29), (45, 54)),
    same((4, 4), (7, 29), (45, 52)),
    same((4, 4), (8, 29), (53, 56)),
    same((7, 29), (8, 29), (45, 52)),
    differ((15, 0), (16, 5), (45, 48)),
    differ((18, 1), (19, 6), (45, 45)),
];

/// II(K, 2).
const TWO_2: [Rule; 10] = [
    differ((-13, 30), (-12, 3), (49, 51)),
    same((-12, 3), (-8, 28), (49, 51)),
    differ((-10, 31), (-9, 4), (46, 51)),
    same((-9, 4), (-8, 31), (49, 51)),
    differ((-5, 31), (-4, 4), (46, 51)),
    same((-4, 4), (-3, 31), (46, 51)),
    differ((1, 31), (2, 4), (46, 51)),
    same((2, 4), (4, 4), (46, 51)),
    same((4, 4), (5, 31), (46, 51)),
    differ((15, 0), (16, 5), (46, 46)),
];

/// The conditions of all vectors, each once.
pub static CONDITIONS: LazyLock<Vec<Group>> = LazyLock::new(|| {
    let mut groups = Vec::new();
    for (index, vector) in VECTORS.iter().enumerate() {
        for rule in rules(*vector).iter().filter(|rule| rule.applies_to(*vector)) {
            group_of(&mut groups, rule, *vector).add(rule.words(*vector), 1 << index);
        }
    }
    groups
});

fn group_of<'a>(groups: &'a mut Vec<Group>, rule: &Rule, vector: Vector) -> &'a mut Group {
    let shifts = [rule.first, rule.second].map(|(_, bit)| 31 - (u32::from(bit) + vector.bit) % 32);
    let parity = if rule.differ { u32::MAX } else { 0 };
    let known = groups.iter().position(|group| group.shifts == shifts && group.parity == parity);
    let at = known.unwrap_or_else(|| {
        groups.push(Group { shifts, parity, conditions: Vec::new() });
        groups.len() - 1
    });
    &mut groups[at]
}

impl Group {
    fn add(&mut self, words: [u8; 2], vectors: u32) {
        match self.conditions.iter_mut().find(|condition| condition.words == words) {
            Some(condition) => condition.vectors |= vectors,
            None => self.conditions.push(Condition { words, vectors }),
        }
    }
}

const fn rules(vector: Vector) -> &'static [Rule] {
    match (vector.class, vector.bit) {
        (Class::One, 0) => &ONE_0,
        (Class::One, _) => &ONE_2,
        (Class::Two, 0) => &TWO_0,
        (Class::Two, _) => &TWO_2,
    }
}

impl Rule {
    fn applies_to(&self, vector: Vector) -> bool {
        (usize::from(self.starts.0)..=usize::from(self.starts.1)).contains(&vector.start)
    }

    fn words(&self, vector: Vector) -> [u8; 2] {
        [self.first, self.second].map(|(step, _)| window_word(vector, step))
    }
}

fn window_word(vector: Vector, step: i8) -> u8 {
    let word = vector.start.checked_add_signed(isize::from(step)).and_then(|step| step.checked_sub(WINDOW_START));
    word.and_then(|word| u8::try_from(word).ok()).expect("the tables above name steps 35 to 64 only")
}

#[cfg(test)]
mod tests {
    use super::super::vectors::DIFFERENCES;
    use super::*;

    fn all() -> impl Iterator<Item = (&'static Group, &'static Condition)> {
        CONDITIONS.iter().flat_map(|group| group.conditions.iter().map(move |condition| (group, condition)))
    }

    /// Both messages of a colliding pair meet the conditions, so their difference cannot change a parity.
    #[test]
    fn no_condition_is_broken_by_its_own_vector() {
        for (group, condition) in all() {
            for (index, difference) in DIFFERENCES.iter().enumerate().filter(|(i, _)| condition.vectors >> i & 1 == 1) {
                let top =
                    |end: usize| difference[WINDOW_START + usize::from(condition.words[end])] << group.shifts[end];
                assert_eq!((top(0) ^ top(1)) >> 31, 0, "{:?}", VECTORS[index]);
            }
        }
    }

    #[test]
    fn all_words_lie_in_the_window() {
        assert!(all().all(|(_, condition)| condition.words[0] < 32 && condition.words[1] < 32));
        assert_eq!(all().map(|(_, condition)| condition.vectors.count_ones()).sum::<u32>(), 373);
    }
}
