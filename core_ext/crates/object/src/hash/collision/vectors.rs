//! The disturbance vectors that every feasible collision attack on SHA-1 is built from.
//!
//! Stevens, "Counter-cryptanalysis" (CRYPTO 2013); the 32 vectors are those that Stevens and Shumow, "Speeding up
//! detection of SHA-1 collision attacks using unavoidable attack conditions" (USENIX Security 2017), found to be the
//! only ones in reach. Their differences are not listed here but computed, from Manuel's classification.

/// Steps of the compression function, and so words of an expanded message block.
pub const STEPS: usize = 80;

/// The two classes of disturbance vectors (Manuel, "Classification and generation of disturbance vectors", 2011).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Bit `b` at step K+15 and nothing in the fifteen steps before.
    One,
    /// The same, and bit `b`-1 at the steps K+1 and K+3.
    Two,
}

/// One disturbance vector: I(K, b) or II(K, b).
#[derive(Clone, Copy, Debug)]
pub struct Vector {
    /// I or II.
    pub class: Class,
    /// K: the step where its sixteen defining words start.
    pub start: usize,
    /// b: how far its words are rotated.
    pub bit: u32,
}

const fn one(start: usize, bit: u32) -> Vector {
    Vector { class: Class::One, start, bit }
}

const fn two(start: usize, bit: u32) -> Vector {
    Vector { class: Class::Two, start, bit }
}

/// The vectors that are looked for. A set of vectors is a `u32` with a bit for each, in this order.
pub const VECTORS: [Vector; 32] = [
    one(43, 0),
    one(44, 0),
    one(45, 0),
    one(46, 0),
    one(47, 0),
    one(48, 0),
    one(49, 0),
    one(50, 0),
    one(51, 0),
    one(52, 0),
    one(46, 2),
    one(47, 2),
    one(48, 2),
    one(49, 2),
    one(50, 2),
    one(51, 2),
    two(45, 0),
    two(46, 0),
    two(47, 0),
    two(48, 0),
    two(49, 0),
    two(50, 0),
    two(51, 0),
    two(52, 0),
    two(53, 0),
    two(54, 0),
    two(55, 0),
    two(56, 0),
    two(46, 2),
    two(49, 2),
    two(50, 2),
    two(51, 2),
];

/// For each vector, the XOR difference between the expanded message blocks of a colliding pair.
pub static DIFFERENCES: [[u32; STEPS]; 32] = {
    let mut all = [[0; STEPS]; 32];
    let mut index = 0;
    while index < 32 {
        all[index] = VECTORS[index].difference();
        index += 1;
    }
    all
};

/// Steps before the first whose disturbances still have corrections in step 0.
const BEFORE: usize = 5;

impl Vector {
    /// The step from which a pair built on this vector has no difference in its state: either 58 or 65.
    pub const fn quiet_step(self) -> usize {
        if self.start < 50 { 58 } else { 65 }
    }

    /// The disturbances of all steps, the message expansion run both ways from the sixteen words that define them.
    const fn disturbances(self) -> [u32; BEFORE + STEPS] {
        let mut words = [0u32; BEFORE + STEPS];
        let start = BEFORE + self.start;
        words[start + 15] = 1 << self.bit;
        if matches!(self.class, Class::Two) {
            words[start + 1] = (1u32 << self.bit).rotate_right(1);
            words[start + 3] = (1u32 << self.bit).rotate_right(1);
        }
        let mut step = start + 16;
        while step < words.len() {
            words[step] = (words[step - 3] ^ words[step - 8] ^ words[step - 14] ^ words[step - 16]).rotate_left(1);
            step += 1;
        }
        step = start;
        while step > 0 {
            step -= 1;
            words[step] = words[step + 16].rotate_right(1) ^ words[step + 2] ^ words[step + 8] ^ words[step + 13];
        }
        words
    }

    /// Each disturbance and the five corrections of its local collision (Chabaud and Joux, 1998).
    const fn difference(self) -> [u32; STEPS] {
        let disturbed = self.disturbances();
        let mut words = [0u32; STEPS];
        let mut step = 0;
        while step < STEPS {
            let at = step + BEFORE;
            words[step] = disturbed[at]
                ^ disturbed[at - 1].rotate_left(5)
                ^ disturbed[at - 2]
                ^ (disturbed[at - 3] ^ disturbed[at - 4] ^ disturbed[at - 5]).rotate_left(30);
            step += 1;
        }
        words
    }
}
