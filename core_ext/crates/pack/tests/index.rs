//! The idx and rev files: what is written is read back, and damage is an error.

use packhouse_object::{Error, Hasher, ObjectFormat, Oid};
use packhouse_pack::{Index, IndexBuilder, Pack};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Rows = BTreeMap<Vec<u8>, (u64, u32)>;

fn formats() -> impl Strategy<Value = ObjectFormat> {
    prop_oneof![Just(ObjectFormat::Sha1), Just(ObjectFormat::Sha256)]
}

fn rows(format: ObjectFormat) -> impl Strategy<Value = Rows> {
    // Few first bytes, so that some fan-out buckets hold many ids and most hold none.
    let oid =
        (0..4u8, vec(any::<u8>(), format.oid_len() - 1)).prop_map(|(first, rest)| [&[first * 85], &rest[..]].concat());
    let offset = prop_oneof![12..1u64 << 31, (1u64 << 31) - 2..(1 << 31) + 2, any::<u64>()];
    btree_map(oid, (offset, any::<u32>()), 0..300)
}

fn idx_of(format: ObjectFormat, rows: &Rows) -> Vec<u8> {
    let mut builder = IndexBuilder::with_capacity(format, 0);
    for (oid, (offset, crc32)) in rows.iter().rev() {
        builder.push(&Oid::from_bytes(oid).expect("an id"), *offset, *crc32);
    }
    builder.to_bytes(&vec![0xab; format.oid_len()]).expect("distinct ids")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))] // unoptimised inflate and hashing are slow

    #[test]
    fn every_row_is_found_and_nothing_else(
        (format, rows, others) in formats().prop_flat_map(|format| (Just(format), rows(format), rows(format)))
    ) {
        let index = Index::new(idx_of(format, &rows).into(), format).expect("a valid idx");
        prop_assert_eq!(index.len() as usize, rows.len());
        prop_assert_eq!(index.pack_trailer(), &vec![0xab; format.oid_len()][..]);
        for (position, (oid, (offset, crc32))) in (0..).zip(&rows) {
            prop_assert_eq!(index.find(&Oid::from_bytes(oid).expect("an id")), Some(position));
            prop_assert_eq!(index.oid_at(position), &oid[..]);
            prop_assert_eq!((index.offset_at(position), index.crc32_at(position)), (*offset, *crc32));
        }
        for oid in others.keys().filter(|&oid| !rows.contains_key(oid)) {
            prop_assert_eq!(index.find(&Oid::from_bytes(oid).expect("an id")), None);
        }
    }

    #[test]
    fn an_idx_ends_with_its_own_hash(
        (format, rows) in formats().prop_flat_map(|format| (Just(format), rows(format)))
    ) {
        let idx = idx_of(format, &rows);
        let (content, trailer) = idx.split_at(idx.len() - format.oid_len());
        let mut hasher = Hasher::unchecked(format);
        hasher.update(content);
        let hash = hasher.finish().expect("unchecked");
        prop_assert_eq!(hash.as_bytes(), trailer);
    }

    #[test]
    fn a_truncated_or_flipped_idx_is_an_error_or_answers_without_panic(
        (format, rows, cut, flips) in formats().prop_flat_map(|format| {
            (Just(format), rows(format), any::<prop::sample::Index>(), vec((any::<prop::sample::Index>(), 0..8), 1..4))
        })
    ) {
        let idx = idx_of(format, &rows);
        prop_assert!(Index::new(idx[..cut.index(idx.len())].to_vec().into(), format).is_err());
        let mut flipped = idx;
        for (at, bit) in flips {
            let at = at.index(flipped.len());
            flipped[at] ^= 1u8 << bit;
        }
        if let Ok(index) = Index::new(flipped.into(), format) {
            for position in 0..index.len() {
                let oid = Oid::from_bytes(index.oid_at(position)).expect("an id");
                prop_assert_eq!(index.find(&oid), Some(position));
                let _ = (index.offset_at(position), index.crc32_at(position));
            }
        }
    }
}

#[test]
fn an_object_that_is_there_twice_is_refused_by_writer_and_reader() {
    let (one, two) = (Oid::from_bytes(&[7; 20]).expect("an id"), Oid::from_bytes(&[8; 20]).expect("an id"));
    let mut builder = IndexBuilder::with_capacity(ObjectFormat::Sha1, 2);
    builder.push(&one, 12, 0);
    builder.push(&one, 40, 0);
    assert!(matches!(builder.to_bytes(&[0; 20]), Err(Error::CorruptIndex { .. })));

    let mut builder = IndexBuilder::with_capacity(ObjectFormat::Sha1, 2);
    builder.push(&one, 12, 0);
    builder.push(&two, 40, 0);
    let mut idx = builder.to_bytes(&[0; 20]).expect("distinct ids");
    let second = 8 + 1024 + 20;
    idx[second..second + 20].copy_from_slice(&[7; 20]);
    idx[8 + 7 * 4..12 + 7 * 4].copy_from_slice(&[0, 0, 0, 2]);
    let error = Index::new(idx.into(), ObjectFormat::Sha1).err().expect("refused");
    assert!(error.to_string().contains("there twice"), "{error}");
}

#[test]
fn offsets_from_two_gib_on_take_eight_bytes() {
    let sizes = [(1u64 << 31) - 1, 1 << 31].map(|offset| {
        let mut builder = IndexBuilder::with_capacity(ObjectFormat::Sha1, 1);
        builder.push(&Oid::from_bytes(&[1; 20]).expect("an id"), offset, 0);
        builder.to_bytes(&[0; 20]).expect("one id").len()
    });
    assert_eq!(sizes, [8 + 1024 + 28 + 40, 8 + 1024 + 28 + 8 + 40]);
}

mod support;

#[test]
fn a_rev_file_gives_the_order_that_sorting_gives() {
    let mut maker = support::PackMaker::new(ObjectFormat::Sha1);
    for number in 0..500 {
        maker.whole(packhouse_object::Kind::Blob, format!("content {number}").as_bytes());
    }
    let pack = maker.open();
    let offsets: Vec<u64> =
        pack.pack_order().expect("distinct").iter().map(|&position| pack.index().offset_at(position)).collect();
    assert_eq!(offsets, maker.made.iter().map(|made| made.offset).collect::<Vec<_>>());

    let rev = pack.rev_bytes().expect("an order");
    let (bytes, idx) = maker.finish();
    let open = |rev: &[u8]| {
        let pack = Pack::from_bytes(bytes.clone(), idx.clone(), ObjectFormat::Sha1).expect("valid");
        pack.attach_rev_bytes(rev).map(|()| pack)
    };
    assert_eq!(open(&rev).expect("its rev").pack_order().expect("given"), pack.pack_order().expect("sorted"));

    let mut swapped = rev.clone();
    swapped[12..20].rotate_left(4);
    let mut outside = rev.clone();
    outside[12] = 0xff;
    for damaged in [&rev[1..], &rev[..rev.len() - 1], &swapped, &outside, b""] {
        assert!(matches!(open(damaged).err(), Some(Error::CorruptIndex { .. })));
    }
}
