//! Inflate and deflate: what was cut, damaged or lies about its size.

use packhouse_object::zlib::{self, StreamDeflater, StreamInflater};
use packhouse_object::{Error, Result};
use proptest::prelude::*;

const NO_LIMIT: u64 = u64::MAX;

fn inflate_in_pieces(stream: &[u8], size: usize, input_bytes: usize, output_bytes: usize) -> Result<Option<Vec<u8>>> {
    let mut inflater = StreamInflater::new(size as u64);
    let (mut content, mut rest) = (Vec::new(), stream);
    loop {
        let mut out = vec![0; output_bytes];
        let step = inflater.step(&rest[..rest.len().min(input_bytes)], &mut out)?;
        content.extend_from_slice(&out[..step.produced]);
        rest = &rest[step.consumed..];
        if step.ended {
            return Ok(Some(content));
        }
        if step.consumed == 0 && step.produced == 0 {
            return Ok(None);
        }
    }
}

fn is_corrupt<T: std::fmt::Debug>(result: Result<T>) -> bool {
    matches!(result, Err(Error::CorruptZlib { .. }))
}

#[test]
fn a_size_over_the_limit_is_refused_before_a_look_at_the_stream() {
    assert!(matches!(zlib::inflate(b"", 11, 10), Err(Error::Limit { actual: 11, limit: 10, .. })));
}

#[test]
fn no_memory_is_taken_for_a_size_that_the_input_cannot_make() {
    let mut out = Vec::new();
    assert!(matches!(zlib::try_inflate(&[0x78; 100], 1 << 50, &mut out), Ok(None)));
    assert_eq!(out.capacity(), 0);
}

#[test]
fn the_greatest_ratio_of_deflate_is_let_through() {
    let zeros = vec![0; 100 << 20];
    let stream = zlib::deflate(&zeros, zlib::MAX_LEVEL);
    assert!(zeros.len() / stream.len() > 900);
    let mut out = Vec::new();
    assert_eq!(zlib::try_inflate(&stream, zeros.len() as u64, &mut out).expect("a good stream"), Some(stream.len()));
}

#[test]
fn nothing_is_a_stream_too() {
    let stream = zlib::deflate(b"", 6);
    assert_eq!(zlib::inflate(&stream, 0, 0).expect("a good stream"), (Vec::new(), stream.len()));
    assert!(is_corrupt(zlib::inflate(&stream, 1, 1)));
    assert!(is_corrupt(zlib::inflate(&zlib::deflate(b"x", 6), 0, 0)));
    assert!(is_corrupt(zlib::inflate(b"", 0, 0)));
}

/// At the end of its input libdeflate reads on in zeros, so a cut can look to it like damage or like too long a stream.
#[test]
fn every_cut_of_a_stream_needs_more_input() {
    let content: Vec<u8> = (0..2000u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0] & 0x3f).collect();
    let mut out = Vec::new();
    for level in [0, 1, 6, 12] {
        let stream = zlib::deflate(&content, level);
        for cut in 0..stream.len() {
            assert_eq!(
                zlib::try_inflate(&stream[..cut], 2000, &mut out).expect("no damage"),
                None,
                "level {level}, {cut}"
            );
        }
    }
}

proptest! {
    #[test]
    fn what_was_deflated_inflates_and_the_bytes_after_it_stay(content in prop::collection::vec(0u8..4, 0..5000), level in 0u32..14, tail in prop::collection::vec(any::<u8>(), 0..20)) {
        let stream = zlib::deflate(&content, level);
        let input = [stream.as_slice(), &tail].concat();
        let (inflated, used) = zlib::inflate(&input, content.len() as u64, NO_LIMIT).expect("a good stream");
        prop_assert_eq!((inflated, used), (content, stream.len()));
    }

    #[test]
    fn a_stream_cut_short_is_no_damage(content in prop::collection::vec(any::<u8>(), 0..3000), level in 0u32..10, cut in any::<prop::sample::Index>()) {
        let stream = zlib::deflate(&content, level);
        let cut = &stream[..cut.index(stream.len())];
        let mut out = Vec::new();
        prop_assert_eq!(zlib::try_inflate(cut, content.len() as u64, &mut out).expect("no damage"), None);
        prop_assert_eq!(inflate_in_pieces(cut, content.len(), 100, 100).expect("no damage"), None);
        prop_assert!(is_corrupt(zlib::inflate(cut, content.len() as u64, NO_LIMIT)));
    }

    #[test]
    fn a_wrong_size_is_found(content in prop::collection::vec(0u8..9, 0..3000), claimed in 0usize..4000) {
        prop_assume!(claimed != content.len());
        let stream = zlib::deflate(&content, 6);
        prop_assert!(is_corrupt(zlib::inflate(&stream, claimed as u64, NO_LIMIT)));
        prop_assert!(is_corrupt(inflate_in_pieces(&stream, claimed, 10, 50)));
    }

    #[test]
    fn damage_is_never_good_content(content in prop::collection::vec(any::<u8>(), 1..500), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let mut stream = zlib::deflate(&content, 6);
        let at = at.index(stream.len());
        stream[at] ^= flip;
        // A flipped header bit may ask for another window size, which changes nothing.
        if let Ok((inflated, _)) = zlib::inflate(&stream, content.len() as u64, NO_LIMIT) {
            prop_assert_eq!(inflated, content);
        }
    }

    #[test]
    fn pieces_inflate_to_the_same(content in prop::collection::vec(0u8..5, 0..5000), input_bytes in 1usize..200, output_bytes in 1usize..200) {
        let stream = zlib::deflate(&content, 6);
        prop_assert_eq!(inflate_in_pieces(&stream, content.len(), input_bytes, output_bytes).expect("a good stream"), Some(content));
    }

    #[test]
    fn pieces_deflate_to_a_stream(pieces in prop::collection::vec(prop::collection::vec(0u8..5, 0..30_000), 0..5), level in 0u32..11) {
        let (mut deflater, mut stream) = (StreamDeflater::new(level), Vec::new());
        for piece in &pieces {
            deflater.write(piece, &mut stream).expect("no content is refused");
        }
        deflater.finish(&mut stream).expect("no content is refused");
        let content = pieces.concat();
        prop_assert_eq!(zlib::inflate(&stream, content.len() as u64, NO_LIMIT).expect("a good stream"), (content, stream.len()));
    }
}
