//! Lookups over many packs, and the homes of their objects, against asking pack after pack.

mod support;

use packhouse_object::{Kind, ObjectFormat, Oid, hash_object};
use packhouse_pack::{BitSet, Database, Pack};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;
use std::sync::Arc;
use support::{LIMITS, PackMaker, database};

/// More than a pack can have that shares a table with others.
const LARGE: u32 = (1 << 16) + 1;

fn content(blob: u32) -> [u8; 4] {
    blob.to_be_bytes()
}

fn pack_of(blobs: impl IntoIterator<Item = u32>) -> Arc<Pack> {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    for blob in blobs {
        maker.whole(Kind::Blob, &content(blob));
    }
    maker.open()
}

fn oid_of(blob: u32) -> Oid {
    hash_object(ObjectFormat::Sha1, Kind::Blob, &content(blob)).expect("no collision")
}

/// The first pack that has it, asked one after the other.
fn plain_home(db: &Database, oid: &Oid) -> Option<u32> {
    let mut packs = db.packs().iter().enumerate();
    packs.find_map(|(number, pack)| pack.index().find(oid).map(|position| db.first_ordinal(number) + position))
}

fn check(db: &Database, blobs: impl Iterator<Item = u32>) {
    let mut homes = BitSet::new(db.ordinal_count());
    for oid in blobs.map(oid_of) {
        let home = plain_home(db, &oid);
        assert_eq!(db.locate(&oid), home);
        home.map(|home| homes.insert(home));
    }
    assert_eq!(*db.objects(), homes);
}

/// What is done to a list of packs between two databases over it.
#[derive(Clone, Debug)]
enum Step {
    /// A push.
    Push(BTreeSet<u32>),
    /// Several pushes of which only the last is looked at.
    Pushes(Vec<BTreeSet<u32>>),
    /// A merge of so many of the newest packs.
    Merge(Index),
    /// A look at all homes.
    Homes,
    /// The older databases are let go.
    Forget,
}

fn blobs() -> impl Strategy<Value = BTreeSet<u32>> {
    prop_oneof![
        4 => prop::collection::btree_set(0u32..150, 1..6),
        1 => prop::collection::btree_set(0u32..150, 1..90),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => blobs().prop_map(Step::Push),
        1 => prop::collection::vec(blobs(), 1..4).prop_map(Step::Pushes),
        1 => any::<Index>().prop_map(Step::Merge),
        1 => Just(Step::Homes),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lookups_and_homes_are_those_of_pack_after_pack(
        bulk in prop::collection::btree_set(0u32..150, 0..150), steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut packs = vec![(pack_of(bulk.iter().copied()), bulk)];
        let mut databases = vec![open(&packs)];
        for step in steps {
            match step {
                Step::Push(blobs) => packs.insert(0, (pack_of(blobs.iter().copied()), blobs)),
                Step::Pushes(many) => {
                    many.into_iter().for_each(|blobs| packs.insert(0, (pack_of(blobs.iter().copied()), blobs)));
                }
                Step::Merge(count) => {
                    let merged: BTreeSet<u32> =
                        packs.drain(..=count.index(packs.len())).flat_map(|(_, blobs)| blobs).collect();
                    packs.insert(0, (pack_of(merged.iter().copied()), merged));
                }
                Step::Homes => check(&open(&packs), 0..150),
                Step::Forget => databases.clear(),
            }
            databases.push(open(&packs));
            for blob in 0..150 {
                let db = &databases[databases.len() - 1];
                prop_assert_eq!(db.locate(&oid_of(blob)), plain_home(db, &oid_of(blob)));
            }
        }
        databases.iter().for_each(|db| check(db, 0..150));
    }
}

fn open(packs: &[(Arc<Pack>, BTreeSet<u32>)]) -> Database {
    database(packs.iter().map(|(pack, _)| Arc::clone(pack)).collect(), LIMITS)
}

#[test]
fn databases_over_the_same_packs_share_their_ordinals() {
    let packs = [pack_of([1, 2]), pack_of([2, 3])];
    let [one, same] = [(); 2].map(|()| database(packs.to_vec(), LIMITS));
    assert!(one.shares_ordinals(&same));
    let pushed = pack_of([3]);
    let [other, twin] = [&one, &same].map(|db| db.with_pack(Arc::clone(&pushed)).expect("one more"));
    assert!(other.shares_ordinals(&twin) && !other.shares_ordinals(&one));
    check(&twin, 0..5);
}

#[test]
fn a_large_pack_in_front_of_small_ones_or_behind_them_is_asked_by_itself() {
    let large = pack_of(0..LARGE);
    let small: Vec<_> = (0..9).map(|number| pack_of([number, LARGE + number, LARGE + number / 2 + 100])).collect();
    for at in [0, 4, 9] {
        let mut packs = small.clone();
        packs.insert(at, Arc::clone(&large));
        let db = database(packs[1..].to_vec(), LIMITS);
        let later = db.with_pack(Arc::clone(&packs[0])).expect("one more");
        check(&later, 0..LARGE + 200);
        let extended = later.with_pack(pack_of([7, LARGE + 3])).expect("one more");
        check(&extended, 0..LARGE + 200);
    }
}
