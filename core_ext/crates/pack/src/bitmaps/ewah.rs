//! Compressed bitmaps, as Git stores them (gitformat-bitmap(5), appendix A).
//!
//! 64-bit words in groups. Each group starts with a *marker*: in its lowest bit the value of a run, in the 32 bits above the
//! length of the run in words, in the highest 31 the number of words that follow and stand for themselves.

use super::corrupt;
use crate::BitSet;
use packhouse_object::Result;

/// Bits of the bitmap and words of the buffer in front, the index of the last marker behind.
const FRAME_BYTES: usize = 12;
const MAX_RUN: usize = u32::MAX as usize;
const MAX_LITERALS: usize = i32::MAX as usize;

/// A compressed bitmap inside of a file.
#[derive(Clone, Copy)]
pub(crate) struct Ewah<'a> {
    words: &'a [[u8; 8]],
}

impl<'a> Ewah<'a> {
    /// The bitmap at the start of `bytes`, and what follows it.
    ///
    /// # Errors
    /// `CorruptIndex` if it is longer than `bytes`.
    pub(crate) fn split_from(bytes: &'a [u8]) -> Result<(Self, &'a [u8])> {
        let cut_short = || corrupt("cut short in a bitmap");
        let (_bit_count, rest) = split_u32(bytes).ok_or_else(cut_short)?;
        let (word_count, rest) = split_u32(rest).ok_or_else(cut_short)?;
        let len = word_count as usize * 8;
        let (words, rest) = rest.split_at_checked(len).ok_or_else(cut_short)?;
        let (_last_marker, rest) = split_u32(rest).ok_or_else(cut_short)?;
        Ok((Self { words: words.as_chunks().0 }, rest))
    }

    /// Change each bit of `target` that is set here. Cost: O(words here) and those of runs of ones, whatever the file says.
    ///
    /// # Errors
    /// `CorruptIndex` if a bit is set that `target` does not have; some may be changed then.
    pub(crate) fn xor_into(&self, target: &mut BitSet) -> Result<()> {
        let beyond = || corrupt("a bitmap has more bits than the pack has objects");
        let (words, mut at, mut rest) = (target.words_mut(), 0usize, self.words);
        while let Some((&marker, after)) = rest.split_first() {
            let (ones, run, literals) = parted(u64::from_be_bytes(marker));
            let run_end = at.saturating_add(run);
            if ones {
                words.get_mut(at..run_end).ok_or_else(beyond)?.iter_mut().for_each(|word| *word = !*word);
            }
            let (literal, after) = after.split_at_checked(literals).ok_or_else(|| corrupt("cut short in a run"))?;
            let end = run_end.saturating_add(literals);
            if literals > 0 {
                let targets = words.get_mut(run_end..end).ok_or_else(beyond)?;
                targets.iter_mut().zip(literal).for_each(|(word, &raw)| *word ^= u64::from_be_bytes(raw));
            }
            (at, rest) = (end, after);
        }
        if target.is_within_len() { Ok(()) } else { Err(beyond()) }
    }
}

/// Change each bit of `target` that is set in a compressed bitmap.
///
/// # Errors
/// `CorruptIndex` if it is cut short, or has more bits than `target`.
pub fn xor_ewah(bytes: &[u8], target: &mut BitSet) -> Result<()> {
    Ewah::split_from(bytes)?.0.xor_into(target)
}

/// The value of a marker's run, the length of the run, and how many words stand for themselves.
#[allow(clippy::cast_possible_truncation)] // masked to at most 32 bits
const fn parted(marker: u64) -> (bool, usize, usize) {
    (marker & 1 == 1, (marker >> 1) as u32 as usize, (marker >> 33) as usize)
}

/// Append a set, compressed. Zeros at its end are left out, as Git does.
pub fn write_ewah(set: &BitSet, out: &mut Vec<u8>) {
    let words = set.words();
    let used = words.iter().rposition(|&word| word != 0).map_or(0, |last| last + 1);
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_BYTES - 4]);
    let word_count = |out: &Vec<u8>| (out.len() - start - (FRAME_BYTES - 4)) / 8;
    let (mut rest, mut last_marker) = (write_group(&words[..used], out), 0);
    while !rest.is_empty() {
        last_marker = word_count(out);
        rest = write_group(rest, out);
    }
    let word_count = word_count(out);
    out[start..start + 4].copy_from_slice(&number(used * 64).to_be_bytes());
    out[start + 4..start + 8].copy_from_slice(&number(word_count).to_be_bytes());
    out.extend_from_slice(&number(last_marker).to_be_bytes());
}

/// Write one group; returns the words behind it.
fn write_group<'w>(words: &'w [u64], out: &mut Vec<u8>) -> &'w [u64] {
    let value = words.first().copied().filter(|&word| is_clean(word)).unwrap_or(0);
    let run = words.iter().take(MAX_RUN).take_while(|&&word| word == value).count();
    let literals = words[run..].iter().take(MAX_LITERALS).take_while(|&&word| !is_clean(word)).count();
    let marker = (value & 1) | (run as u64) << 1 | (literals as u64) << 33;
    out.extend_from_slice(&marker.to_be_bytes());
    let (literal, rest) = words[run..].split_at(literals);
    literal.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
    rest
}

const fn is_clean(word: u64) -> bool {
    word == 0 || word == u64::MAX
}

/// A set has fewer than 2^32 bits, so none of its lengths is larger.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (head, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*head), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set_of(len: u32, words: &[u64]) -> BitSet {
        let mut set = BitSet::new(len);
        for number in 0..len {
            if words[(number / 64) as usize] >> (number % 64) & 1 == 1 {
                set.insert(number);
            }
        }
        set
    }

    /// Words as they occur: mostly all or nothing.
    fn sets() -> impl Strategy<Value = BitSet> {
        let word = prop_oneof![4 => Just(0), 4 => Just(u64::MAX), 1 => any::<u64>()];
        let words = prop::collection::vec((word, 1usize..5), 0..40)
            .prop_map(|runs| runs.iter().flat_map(|&(word, times)| vec![word; times]).collect::<Vec<_>>());
        words.prop_flat_map(|words| {
            let bits = u32::try_from(words.len() * 64).expect("few");
            (bits.saturating_sub(63)..=bits, Just(words)).prop_map(|(len, words)| set_of(len, &words))
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(set in sets()) {
            let mut bytes = Vec::new();
            write_ewah(&set, &mut bytes);
            bytes.extend_from_slice(b"rest");
            let (ewah, rest) = Ewah::split_from(&bytes).expect("whole");
            let mut read = BitSet::new(set.len());
            ewah.xor_into(&mut read).expect("no bit too many");
            prop_assert_eq!((&read, rest), (&set, &b"rest"[..]));
            ewah.xor_into(&mut read).expect("no bit too many");
            prop_assert!(read.is_empty());
        }

        /// Neither a panic nor memory: the set is as large as it was.
        #[test]
        fn any_bytes_are_a_bitmap_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), len in 0u32..2000) {
            if let Ok((ewah, _)) = Ewah::split_from(&bytes) {
                let _ = ewah.xor_into(&mut BitSet::new(len));
            }
        }

        #[test]
        fn any_words_are_a_bitmap_or_an_error(words in prop::collection::vec(any::<u64>(), 0..30), len in 0u32..2000) {
            let bytes: Vec<_> = words.iter().map(|word| (word & !(0xffff_fff0 << 1) & !(0x7fff_fff0 << 33)).to_be_bytes()).collect();
            let _ = Ewah { words: &bytes }.xor_into(&mut BitSet::new(len));
        }
    }

    #[test]
    fn a_bit_beyond_the_last_object_is_damage() {
        for (len, is_good) in [(64, true), (63, false), (1, false)] {
            let word = BitSet::full(64);
            let mut bytes = Vec::new();
            write_ewah(&word, &mut bytes);
            let (ewah, _) = Ewah::split_from(&bytes).expect("whole");
            assert_eq!(ewah.xor_into(&mut BitSet::new(len)).is_ok(), is_good, "{len}");
        }
    }
}
