//! The filter on forged blocks: chance alone would meet the conditions of one vector in some thousand blocks.

use super::conditions::{CONDITIONS, WINDOW_START};
use super::filter;
use super::vectors::VECTORS;
use crate::hash::{BATCH_BLOCKS, Block, native, portable};

/// A linear equation over GF(2): which of a block's 512 bits are added up, and what the sum must be.
#[derive(Clone)]
struct Equation {
    bits: Block,
    sum: bool,
}

/// xorshift64*: the tests are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn block(&mut self) -> Block {
        std::array::from_fn(|_| self.next().to_be_bytes()[0])
    }
}

/// The conditions of a vector as equations over the message; the schedule is linear, so each word's bits are sums.
fn equations(vector: usize) -> Vec<Equation> {
    let mut equations = Vec::new();
    for group in CONDITIONS.iter() {
        for condition in group.conditions.iter().filter(|condition| condition.vectors >> vector & 1 == 1) {
            let mut bits = [0; 64];
            for (place, byte) in bits.iter_mut().enumerate() {
                for bit in 0..8 {
                    let mut unit = [0; 64];
                    unit[place] = 1 << bit;
                    let words = portable::expand(&unit);
                    let top = |end: usize| words[WINDOW_START + usize::from(condition.words[end])] << group.shifts[end];
                    *byte |= u8::from((top(0) ^ top(1)) >> 31 == 1) << bit;
                }
            }
            equations.push(Equation { bits, sum: group.parity != 0 });
        }
    }
    equations
}

/// A random block that satisfies all equations, by Gaussian elimination.
fn solve(equations: &[Equation], random: &mut Random) -> Block {
    let mut rows: Vec<Equation> = Vec::new();
    for equation in equations {
        let mut equation = equation.clone();
        for row in &rows {
            if get(&equation.bits, pivot(&row.bits)) {
                add(&mut equation, row);
            }
        }
        if equation.bits != [0; 64] {
            rows.push(equation);
        }
    }
    let mut block = random.block();
    for row in rows.iter().rev() {
        let sum = row.bits.iter().zip(&block).fold(0, |sum, (mask, byte)| sum ^ (mask & byte).count_ones() & 1);
        if (sum == 1) != row.sum {
            let at = pivot(&row.bits);
            block[at / 8] ^= 1 << (at % 8);
        }
    }
    block
}

fn pivot(bits: &Block) -> usize {
    (0..512).find(|&at| get(bits, at)).expect("an equation of no bits is dropped")
}

fn get(bits: &Block, at: usize) -> bool {
    bits[at / 8] >> (at % 8) & 1 == 1
}

fn add(equation: &mut Equation, row: &Equation) {
    equation.bits.iter_mut().zip(row.bits).for_each(|(byte, other)| *byte ^= other);
    equation.sum ^= row.sum;
}

fn permitted(block: &Block) -> u32 {
    let mut sets = [0; BATCH_BLOCKS];
    filter::permitted::<[u32; 4]>(std::slice::from_ref(block), &mut sets);
    sets[0]
}

#[test]
fn a_block_that_meets_the_conditions_of_a_vector_is_let_through() {
    let mut random = Random(1);
    for (vector, name) in VECTORS.iter().enumerate() {
        let equations = equations(vector);
        for block in (0..16).map(|_| solve(&equations, &mut random)) {
            assert_eq!(permitted(&block) >> vector & 1, 1, "{name:?}");
        }
    }
}

#[test]
fn a_block_that_misses_one_condition_of_a_vector_is_stopped() {
    let mut random = Random(2);
    for (vector, name) in VECTORS.iter().enumerate() {
        let equations = equations(vector);
        for broken in 0..equations.len() {
            let mut changed = equations.clone();
            changed[broken].sum ^= true;
            let block = solve(&changed, &mut random);
            assert_eq!(permitted(&block) >> vector & 1, 0, "{name:?}, condition {broken}");
        }
    }
}

#[test]
fn all_filters_let_through_the_same() {
    let mut random = Random(3);
    let mut blocks: Vec<Block> = (0..VECTORS.len()).map(|vector| solve(&equations(vector), &mut random)).collect();
    blocks.extend((0..2_000).map(|_| random.block()));
    for size in [1, 3, 8, 9, BATCH_BLOCKS] {
        for batch in blocks.chunks(size) {
            let expected: Vec<u32> = batch.iter().map(permitted).collect();
            for filter in native::filters() {
                let mut sets = [0; BATCH_BLOCKS];
                filter(batch, &mut sets);
                assert_eq!(sets[..batch.len()], expected);
            }
        }
    }
}

/// Chance alone does not make a collision: every block that passes the filter here is found innocent.
#[test]
fn a_forged_block_is_no_attack() {
    let mut random = Random(4);
    for vector in 0..VECTORS.len() {
        let block = solve(&equations(vector), &mut random);
        let before = [1, 2, 3, 4, 5];
        let mut after = before;
        portable::compress(&mut after, &[block]);
        assert!(!super::is_attack(&before, &block, &after, u32::MAX));
    }
}
