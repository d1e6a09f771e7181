//! Deltas: found, applied, and refused.

use packhouse_object::delta::{self, DeltaIndex};
use packhouse_object::{Error, Result};
use proptest::prelude::*;

const NO_LIMIT: u64 = u64::MAX;

fn apply(base: &[u8], delta: &[u8]) -> Result<Vec<u8>> {
    delta::apply(base, delta, NO_LIMIT)
}

fn refusal(base: &[u8], delta: &[u8]) -> String {
    match apply(base, delta) {
        Err(Error::CorruptDelta { what }) => what,
        other => panic!("{other:?}"),
    }
}

/// Content with the repetitions of real files: lines drawn from a small stock.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let stock: Vec<Vec<u8>> =
        (0..40u8).map(|n| [b"line number ", vec![n; usize::from(n % 23)].as_slice(), b"\n"].concat()).collect();
    prop::collection::vec(prop::sample::select(stock), 0..200).prop_map(|lines| lines.concat())
}

#[test]
fn each_kind_of_damage_is_named() {
    assert!(refusal(b"", b"").contains("does not end"));
    assert!(refusal(b"", &[0x80; 20]).contains("does not end"));
    assert!(refusal(b"base", &[5, 1, 1, b'x']).contains("base of 5 bytes, the base has 4"));
    assert!(refusal(b"base", &[4, 1, 0]).contains("reserved"));
    assert!(refusal(b"base", &[4, 3, 3, b'x']).contains("insert instruction is cut short"));
    assert!(refusal(b"base", &[4, 3, 0x91, 1]).contains("copy instruction is cut short"));
    assert!(refusal(b"base", &[4, 4, 0x91, 1, 4]).contains("beyond its base"));
    assert!(refusal(b"base", &[4, 4, 0xff, 255, 255, 255, 255, 255, 255, 255]).contains("beyond its base"));
    assert!(refusal(b"base", &[4, 4, 0x80]).contains("beyond its base"));
    assert!(refusal(b"base", &[4, 2, 3, b'x', b'y', b'z']).contains("more than the 2 bytes"));
    assert!(refusal(b"base", &[4, 4, 3, b'x', b'y', b'z']).contains("makes 3 bytes and announces 4"));
}

#[test]
fn a_result_over_the_limit_is_refused_before_memory_is_taken() {
    let delta = [&[4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], &[0x91, 0, 4]].concat();
    assert!(matches!(delta::apply(b"base", &delta, 1000), Err(Error::Limit { limit: 1000, .. })));
}

#[test]
fn a_copy_without_length_is_of_64_kib() {
    let base = vec![7; 0x10000];
    assert_eq!(apply(&base, &[0x80, 0x80, 4, 0x80, 0x80, 4, 0x80]).expect("a good delta"), base);
}

#[test]
fn a_small_change_makes_a_small_delta() {
    let base: Vec<u8> = (0..100_000u32).flat_map(u32::to_be_bytes).collect();
    let mut target = base.clone();
    target[200_000] ^= 1;
    target.splice(300_000..300_000, *b"inserted");
    let delta = delta::encode(&base, &target, usize::MAX).expect("no limit");
    assert!(delta.len() < 100, "{} bytes", delta.len());
    assert_eq!(apply(&base, &delta).expect("our own delta"), target);
}

#[test]
fn repetitive_content_takes_no_square_time() {
    let base = vec![b'x'; 4 << 20];
    let target: Vec<u8> = base.chunks(999).flat_map(|chunk| [chunk, b"y"].concat()).collect();
    let delta = delta::encode(&base, &target, usize::MAX).expect("no limit");
    assert_eq!(apply(&base, &delta).expect("our own delta"), target);
}

#[test]
fn a_delta_over_its_limit_is_none() {
    let (base, target) = (vec![0; 100], (0..=255).collect::<Vec<u8>>());
    let delta = delta::encode(&base, &target, usize::MAX).expect("no limit");
    assert_eq!(delta::encode(&base, &target, delta.len()), Some(delta.clone()));
    assert_eq!(delta::encode(&base, &target, delta.len() - 1), None);
}

proptest! {
    #[test]
    fn an_applied_delta_makes_its_target(base in lines(), target in lines()) {
        let delta = delta::encode(&base, &target, usize::MAX).expect("no limit");
        let size = target.len();
        prop_assert_eq!(apply(&base, &delta).expect("our own delta"), target);
        // A copy takes eight bytes and stands for sixteen or more, so a delta is never longer than its target inserted.
        prop_assert!(delta.len() <= 20 + size + size / 127 + 1);
    }

    #[test]
    fn an_index_serves_many_targets(base in lines(), targets in prop::collection::vec(lines(), 1..4)) {
        let index = DeltaIndex::new(&base);
        for target in targets {
            prop_assert_eq!(index.encode(&target, usize::MAX), delta::encode(&base, &target, usize::MAX));
        }
    }

    #[test]
    fn any_bytes_are_applied_or_refused(base in prop::collection::vec(any::<u8>(), 0..100), delta in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(result) = delta::apply(&base, &delta, 1 << 20) {
            prop_assert_eq!(result.len() as u64, delta::sizes(&delta).expect("applied").1);
        }
    }

    #[test]
    fn instructions_behind_good_sizes_are_applied_or_refused(base in prop::collection::vec(any::<u8>(), 0..100), size in 0u8..128, tail in prop::collection::vec(any::<u8>(), 0..60)) {
        let delta = [vec![u8::try_from(base.len()).expect("short"), size], tail].concat();
        if let Ok(result) = apply(&base, &delta) {
            prop_assert_eq!(result.len(), usize::from(size));
        }
    }
}
