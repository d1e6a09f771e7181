//! The same objects in another database, against looking each of them up.

mod support;

use packhouse_object::{CancelFlag, Error, Kind, ObjectFormat, Oid};
use packhouse_pack::{BitSet, Database, Pack};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;
use std::sync::Arc;
use support::{LIMITS, PackMaker, database};

/// Packs of blobs that are named by a byte each, and of which there are few, so that packs share many.
fn packs() -> impl Strategy<Value = Vec<BTreeSet<u8>>> {
    prop::collection::vec(prop::collection::btree_set(0u8..120, 1..90), 1..7)
}

fn pack_of(blobs: &BTreeSet<u8>) -> Arc<Pack> {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    for &blob in blobs {
        maker.whole(Kind::Blob, &[blob]);
    }
    maker.open()
}

fn homes_of(db: &Database, oids: &BTreeSet<Oid>) -> BitSet {
    let mut homes = BitSet::new(db.ordinal_count());
    for oid in oids {
        homes.insert(db.locate(oid).expect("stored"));
    }
    homes
}

fn some_of(db: &Database, choice: &[Index]) -> BTreeSet<Oid> {
    let all: Vec<_> = db.objects().iter().map(|home| db.oid_of(home)).collect();
    choice.iter().map(|at| all[at.index(all.len())]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Packs come, go and change places; some of those that stay were opened again.
    #[test]
    fn moved_homes_are_those_that_a_lookup_finds(
        old in packs(), fresh in packs(), kept in prop::collection::vec((any::<Index>(), any::<bool>()), 0..7),
        order in any::<Index>(), keep_order in any::<bool>(), choice in prop::collection::vec(any::<Index>(), 0..150),
    ) {
        let old_packs: Vec<_> = old.iter().map(pack_of).collect();
        let from = database(old_packs.clone(), LIMITS);
        let wanted = some_of(&from, &choice);
        let mut kept: Vec<_> = kept.iter().map(|(at, again)| (at.index(old.len()), *again)).collect();
        if keep_order {
            kept.sort_unstable();
            kept.dedup_by_key(|&mut (at, _)| at);
        }
        let kept = kept.iter().map(|&(at, again)| if again { pack_of(&old[at]) } else { Arc::clone(&old_packs[at]) });
        let mut packs: Vec<_> = kept.collect();
        for (rank, blobs) in fresh.iter().enumerate() {
            packs.insert(if keep_order { rank } else { order.index(packs.len() + 1) }, pack_of(blobs));
        }
        let to = database(packs, LIMITS);
        let moved = to.homes_moved_from(&from, &homes_of(&from, &wanted), &CancelFlag::new());
        if wanted.iter().all(|oid| to.locate(oid).is_some()) {
            prop_assert_eq!(moved.expect("all are stored"), homes_of(&to, &wanted));
        } else {
            let named = matches!(moved, Err(Error::Missing { oid }) if wanted.contains(&oid) && to.locate(&oid).is_none());
            prop_assert!(named);
        }
    }

    /// A push puts a pack in front; a roll-up merges the newest ones.
    #[test]
    fn a_push_and_a_roll_up_move_homes_as_a_lookup_finds_them(
        old in packs(), pushed in packs(), merged in any::<Index>(), choice in prop::collection::vec(any::<Index>(), 0..150),
    ) {
        let packs: Vec<_> = old.iter().map(pack_of).collect();
        let before = database(packs.clone(), LIMITS);
        let wanted = some_of(&before, &choice);
        let homes = homes_of(&before, &wanted);
        let after = before.with_pack(pack_of(&pushed[0])).expect("one format");
        let moved = after.homes_moved_from(&before, &homes, &CancelFlag::new()).expect("all are stored");
        prop_assert_eq!(&moved, &homes_of(&after, &wanted));

        let run = merged.index(old.len()) + 1;
        let one = old[..run].iter().chain(&pushed[..1]).flatten().copied().collect();
        let rolled_up = database([pack_of(&one)].into_iter().chain(packs[run..].iter().cloned()).collect(), LIMITS);
        let moved = rolled_up.homes_moved_from(&after, &moved, &CancelFlag::new()).expect("all are stored");
        prop_assert_eq!(moved, homes_of(&rolled_up, &wanted));
    }
}

#[test]
fn what_is_not_stored_any_more_is_named() {
    let from = database(vec![pack_of(&BTreeSet::from([1, 2])), pack_of(&BTreeSet::from([3]))], LIMITS);
    let to = database(vec![pack_of(&BTreeSet::from([3, 1]))], LIMITS);
    let all = from.homes_moved_from(&from, &from.objects(), &CancelFlag::new()).expect("the same");
    assert_eq!(&all, &*from.objects());
    let moved = to.homes_moved_from(&from, &all, &CancelFlag::new());
    assert!(matches!(moved, Err(Error::Missing { oid }) if oid == blob(2)));
}

#[test]
fn a_cancelled_move_stops() {
    let from = database(vec![pack_of(&BTreeSet::from([1]))], LIMITS);
    let to = database(vec![pack_of(&BTreeSet::from([1, 2]))], LIMITS);
    let stopped = CancelFlag::new();
    stopped.set();
    assert!(matches!(to.homes_moved_from(&from, &from.objects(), &stopped), Err(Error::Cancelled)));
}

fn blob(content: u8) -> Oid {
    packhouse_object::hash_object(ObjectFormat::Sha1, Kind::Blob, &[content]).expect("no collision")
}
