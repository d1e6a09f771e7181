//! Object names against independent implementations, and collision detection against the published collisions.

use packhouse_object::{Error, Hasher, Kind, ObjectFormat, hash_object};
use proptest::prelude::*;
use sha1_checked::Digest;

fn digest(mut hasher: Hasher, pieces: &[&[u8]]) -> Vec<u8> {
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher.finish().expect("no attack in this input").as_bytes().to_vec()
}

fn bytes(len: usize) -> Vec<u8> {
    (0..=250u8).cycle().step_by(131).take(len).collect()
}

#[test]
fn known_names() {
    let empty_tree = hash_object(ObjectFormat::Sha1, Kind::Tree, b"").expect("no attack");
    assert_eq!(empty_tree.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    let empty_tree = hash_object(ObjectFormat::Sha256, Kind::Tree, b"").expect("no attack");
    assert_eq!(empty_tree.to_string(), "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321");
}

#[test]
fn every_length_near_a_block_or_batch_agrees_with_the_reference() {
    for len in (0..300).chain(1000..1200).chain(2040..2060).chain([65_535, 65_536, 100_003]) {
        let content = bytes(len);
        let expected = sha1_checked::Sha1::digest(&content).to_vec();
        assert_eq!(digest(Hasher::checked(ObjectFormat::Sha1), &[&content]), expected, "checked, {len} bytes");
        assert_eq!(digest(Hasher::unchecked(ObjectFormat::Sha1), &[&content]), expected, "unchecked, {len} bytes");
    }
}

/// By chance hundreds of these blocks meet the conditions of a vector and take the exact path; none is an attack.
#[test]
fn millions_of_random_blocks_agree_with_the_reference() {
    const BLOCKS: u64 = 1 << 21;
    const PIECE_BLOCKS: u64 = 1 << 14;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..BLOCKS / PIECE_BLOCKS {
        let piece: Vec<u8> = (0..PIECE_BLOCKS * 8).flat_map(|_| random().to_le_bytes()).collect();
        let reference = sha1_checked::Sha1::try_digest(&piece);
        assert!(!reference.has_collision());
        assert_eq!(digest(Hasher::checked(ObjectFormat::Sha1), &[&piece]), reference.hash().to_vec());
    }
}

#[test]
fn published_collisions_are_refused() {
    for (name, content) in [
        ("SHAttered 1", include_bytes!("data/shattered-1.bin").as_slice()),
        ("SHAttered 2", include_bytes!("data/shattered-2.bin")),
        ("Shambles 1", include_bytes!("data/sha-mbles-1.bin")),
        ("Shambles 2", include_bytes!("data/sha-mbles-2.bin")),
    ] {
        for tail in [0, 1, 63, 64, 1000, 5000] {
            let content = [content, &bytes(tail)].concat();
            let mut hasher = Hasher::checked(ObjectFormat::Sha1);
            hasher.update(&content);
            let verdict = hasher.finish();
            let expected = sha1_checked::Sha1::builder().safe_hash(false).build().chain_update(&content).finalize();
            match verdict {
                Err(Error::Collision { oid }) => assert_eq!(oid.as_bytes(), expected.as_slice(), "{name}"),
                other => panic!("{name} and {tail} bytes: {other:?}"),
            }
            assert!(digest(Hasher::unchecked(ObjectFormat::Sha1), &[&content]) == expected.to_vec());
        }
    }
}

/// In a blob the attack's prefix is shifted by the object header, and the collision is gone, as in Git.
#[test]
fn a_collision_behind_an_object_header_is_none() {
    let content = include_bytes!("data/shattered-1.bin");
    assert!(hash_object(ObjectFormat::Sha1, Kind::Blob, content).is_ok());
}

proptest! {
    #[test]
    fn pieces_make_the_same_name_as_the_whole(content in prop::collection::vec(any::<u8>(), 0..5000), cuts in prop::collection::vec(0usize..5000, 0..6)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(content.len())).chain([0, content.len()]).collect();
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &content[pair[0]..pair[1]]).collect();
        for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
            prop_assert_eq!(digest(Hasher::checked(format), &pieces), digest(Hasher::checked(format), &[&content]));
        }
        prop_assert_eq!(digest(Hasher::checked(ObjectFormat::Sha1), &pieces), sha1_checked::Sha1::digest(&content).to_vec());
    }
}
