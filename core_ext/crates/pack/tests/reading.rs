//! Decoding stored objects: chains, limits, bases, several packs, restrictions.

mod support;

use packhouse_object::{CancelFlag, Error, Kind, ObjectFormat, ObjectSource, Oid, hash_object};
use packhouse_pack::{BitSet, Database, EntryKind, Limits};
use proptest::prelude::*;
use std::sync::Arc;
use support::{BaseBy, LIMITS, Made, PackMaker, database, delta_of};

fn chain(by: BaseBy, deltas: usize) -> PackMaker {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    let mut last = maker.whole(Kind::Tree, b"");
    for number in 0..deltas {
        last = maker.delta(&last, by, format!("tree {number}").as_bytes());
    }
    maker
}

fn last_of(maker: &PackMaker) -> &Made {
    maker.made.last().expect("an entry")
}

#[test]
fn a_chain_of_the_greatest_depth_decodes_and_one_more_delta_is_corrupt() {
    for by in [BaseBy::Offset, BaseBy::Oid] {
        let maker = chain(by, 4095);
        let db = maker.database();
        let tip = db.locate(&last_of(&maker).oid).expect("stored");
        let (kind, content) = db.read(tip, u64::MAX).expect("decodes");
        assert_eq!((kind, &content[..]), (Kind::Tree, &b"tree 4094"[..]));
        assert_eq!(db.kind_of(tip).expect("a chain"), Kind::Tree);
        assert_eq!(db.size_of(tip).expect("a delta"), 9);

        let maker = chain(by, 4096);
        let db = maker.database();
        let tip = db.locate(&last_of(&maker).oid).expect("stored");
        assert!(matches!(db.read(tip, u64::MAX), Err(Error::CorruptPack { .. })));
        assert!(matches!(db.kind_of(tip), Err(Error::CorruptPack { .. })));
    }
}

#[test]
fn a_cycle_of_deltas_is_corrupt() {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    let oid = |content: &[u8]| packhouse_object::hash_object(ObjectFormat::Sha1, Kind::Blob, content).expect("an id");
    maker.entry(EntryKind::RefDelta(oid(b"two")), &delta_of(b"two", b"one"), Kind::Blob, b"one");
    maker.entry(EntryKind::RefDelta(oid(b"one")), &delta_of(b"one", b"two"), Kind::Blob, b"two");
    let db = maker.database();
    for ordinal in 0..2 {
        let error = db.read(ordinal, u64::MAX).expect_err("a cycle");
        assert!(error.to_string().contains("cycle or longer than 4095"), "{error}");
    }
}

#[test]
fn a_base_outside_of_the_pack_is_corrupt() {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    let absent = Oid::from_bytes(&[9; 20]).expect("an id");
    maker.entry(EntryKind::RefDelta(absent), &delta_of(b"x", b"y"), Kind::Blob, b"y");
    let error = maker.database().read(0, u64::MAX).expect_err("thin");
    assert!(matches!(error, Error::CorruptPack { offset: 12, .. }), "{error}");
    assert!(error.to_string().contains(&format!("delta base {absent} is not in the pack")), "{error}");
}

#[test]
fn no_object_over_the_limit_is_inflated() {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    let small = maker.whole(Kind::Blob, &[b'a'; 50]);
    let grown = maker.delta(&small, BaseBy::Offset, &[b'a'; 101]);
    let large = maker.whole(Kind::Blob, &[b'b'; 101]);
    let shrunk = maker.delta(&large, BaseBy::Offset, b"b");
    let limits = Limits { max_object_bytes: 100, ..LIMITS };
    let db = database(vec![maker.open()], limits);
    let read = |made: &Made, max_bytes| db.read(db.require(&made.oid)?, max_bytes);
    assert!(read(&small, u64::MAX).is_ok());
    for over in [&grown, &large, &shrunk] {
        assert!(matches!(read(over, u64::MAX), Err(Error::Limit { actual: 101, limit: 100, .. })));
    }
    assert!(matches!(read(&small, 49), Err(Error::Limit { actual: 50, limit: 49, .. })));
    assert!(read(&small, 50).is_ok());
    let roomy = maker.database();
    let grown = roomy.locate(&grown.oid).expect("stored");
    assert!(matches!(roomy.read(grown, 100), Err(Error::Limit { actual: 101, limit: 100, .. })));
}

#[test]
fn the_stored_base_of_a_delta_is_an_ordinal_of_the_same_pack() {
    for by in [BaseBy::Offset, BaseBy::Oid] {
        let mut maker = PackMaker::new(ObjectFormat::Sha256);
        let base = maker.whole(Kind::Blob, b"base of it");
        let delta = maker.delta(&base, by, b"base of that");
        let mut newer = PackMaker::new(ObjectFormat::Sha256);
        newer.whole(Kind::Blob, b"base of it");
        let db = database(vec![newer.open(), maker.open()], LIMITS);
        let delta = db.locate(&delta.oid).expect("stored");
        let stored_base = db.base_of(delta).expect("in order").expect("a delta");
        assert_eq!(db.oid_of(stored_base), base.oid);
        assert_ne!(Some(stored_base), db.locate(&base.oid), "the home is in the newer pack");
        assert_eq!(db.base_of(stored_base).expect("in order"), None);
    }
}

#[test]
fn a_base_that_comes_after_its_delta_is_in_the_table_and_leaves_the_depth_open() {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    let base = hash_object(ObjectFormat::Sha1, Kind::Blob, b"base").expect("no collision");
    maker.entry(EntryKind::RefDelta(base), &delta_of(b"base", b"based"), Kind::Blob, b"based");
    maker.whole(Kind::Blob, b"base");
    let pack = maker.open();
    let bases = pack.delta_bases(&CancelFlag::new()).expect("not cancelled").expect("no damage");
    assert_eq!(([bases.of(0), bases.of(1)], bases.longest_chain()), ([1, 1], None));
}

#[test]
fn an_objects_home_is_the_newest_pack_that_has_it() {
    let contents: [&[&str]; 3] = [&["a", "b"], &["b", "c", "d"], &["a", "c", "e"]];
    let packs = contents.map(|contents| {
        let mut maker = PackMaker::new(ObjectFormat::Sha1);
        for content in contents {
            maker.whole(Kind::Blob, content.as_bytes());
        }
        maker.open()
    });
    let db = database(packs.to_vec(), LIMITS);
    assert_eq!((db.ordinal_count(), db.objects().count()), (8, 5));
    for ordinal in 0..8 {
        let oid = db.oid_of(ordinal);
        let newest = packs.iter().position(|pack| pack.index().find(&oid).is_some());
        let home = db.locate(&oid).expect("stored");
        assert_eq!(Some(db.pack_number(home).0), newest);
        assert_eq!(db.is_home(ordinal), home == ordinal);
        assert_eq!(db.objects().get(ordinal), home == ordinal);
    }
}

#[test]
fn a_restricted_view_shows_only_what_it_was_given() {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    let made: Vec<Made> = (0..10).map(|number| maker.whole(Kind::Blob, &[number])).collect();
    let db = maker.database();
    let mut visible = BitSet::new(db.ordinal_count());
    for made in &made[..3] {
        visible.insert(db.locate(&made.oid).expect("stored"));
    }
    let view = db.restricted(Arc::new(visible.clone()));
    assert_eq!(view.objects().count(), 3);
    for (number, made) in made.iter().enumerate() {
        assert_eq!(view.locate(&made.oid).is_some(), number < 3);
        assert_eq!(ObjectSource::read(&view, &made.oid, 1).expect("readable").is_some(), number < 3);
    }
    visible.remove(db.locate(&made[0].oid).expect("stored"));
    let mut other = BitSet::full(db.ordinal_count());
    other.minus(&visible);
    assert_eq!(view.restricted(Arc::new(other)).objects().count(), 1, "a view of a view shows what both show");
    let extended = view.with_pack(chain(BaseBy::Offset, 1).open()).expect("one format");
    assert_eq!(extended.objects().count(), 12, "one more pack drops the restriction");
}

#[test]
fn verify_reads_every_object_and_names_the_damage() {
    let maker = chain(BaseBy::Offset, 30);
    assert_eq!(maker.database().verify(&CancelFlag::new()).expect("whole"), 31);

    let mut lying = PackMaker::new(ObjectFormat::Sha1);
    lying.whole(Kind::Blob, b"true");
    lying.entry(EntryKind::Whole(Kind::Blob), b"false", Kind::Blob, b"said");
    let error = lying.database().verify(&CancelFlag::new()).expect_err("a lie");
    let trailer = Oid::from_bytes(lying.open().trailer()).expect("a hash");
    assert!(error.to_string().ends_with(&format!("does not hash to its name (pack {trailer} in memory)")), "{error}");

    let stopped = CancelFlag::new();
    stopped.set();
    assert!(matches!(maker.database().verify(&stopped), Err(Error::Cancelled)));
}

#[test]
fn packs_of_another_object_format_are_refused() {
    let pack = PackMaker::new(ObjectFormat::Sha256).open();
    assert!(Database::new(vec![pack], ObjectFormat::Sha1, LIMITS, 0).is_err());
}

#[derive(Clone, Debug)]
struct Step {
    content: Vec<u8>,
    base: Option<(prop::sample::Index, bool)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let content = prop::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..400);
    let base = prop::option::weighted(0.8, (any::<prop::sample::Index>(), any::<bool>()));
    prop::collection::vec((content, base).prop_map(|(content, base)| Step { content, base }), 1..60)
}

fn built(format: ObjectFormat, steps: &[Step]) -> PackMaker {
    let mut maker = PackMaker::new(format);
    for (number, step) in steps.iter().enumerate() {
        let content = [format!("{number} ").as_bytes(), &step.content].concat(); // distinct objects
        match step.base.filter(|_| number > 0) {
            None => _ = maker.whole(Kind::Blob, &content),
            Some((base, by_oid)) => {
                let base = maker.made[base.index(number)].clone();
                _ = maker.delta(&base, if by_oid { BaseBy::Oid } else { BaseBy::Offset }, &content);
            }
        }
    }
    maker
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))] // unoptimised inflate and hashing are slow

    #[test]
    fn what_was_stored_is_read_in_any_order_with_any_cache(
        steps in steps(), sha256: bool, cache_bytes in 0usize..20_000, order in prop::collection::vec(any::<prop::sample::Index>(), 100)
    ) {
        let format = if sha256 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 };
        let maker = built(format, &steps);
        let db = Database::new(vec![maker.open()], format, LIMITS, cache_bytes).expect("one pack");
        for made in order.iter().map(|at| &maker.made[at.index(maker.made.len())]) {
            let ordinal = db.locate(&made.oid).expect("stored");
            let (kind, content) = db.read(ordinal, u64::MAX).expect("decodes");
            prop_assert_eq!((kind, &content[..]), (made.kind, &made.content[..]));
            prop_assert_eq!(db.size_of(ordinal).expect("a header"), made.content.len() as u64);
        }
    }

    #[test]
    fn the_table_of_delta_bases_agrees_with_the_headers(steps in steps(), turn in any::<prop::sample::Index>()) {
        let mut maker = built(ObjectFormat::Sha1, &steps);
        let late = maker.made[turn.index(steps.len())].clone();
        maker.whole(Kind::Blob, &[&late.content[..], b"base of nobody"].concat());
        let db = maker.database();
        let pack = &db.packs()[0];
        let bases = pack.delta_bases(&CancelFlag::new()).expect("not cancelled").expect("no damage");
        let order = pack.pack_order().expect("offsets differ");
        let mut longest = 0;
        for (rank, &position) in order.iter().enumerate() {
            let base = db.base_of(position).expect("a header").unwrap_or(position);
            prop_assert_eq!(order[bases.of(rank) as usize], base);
            let below = std::iter::successors(Some(position), |&at| db.base_of(at).expect("a header"));
            longest = longest.max(below.zip(0u32..).map(|(_, depth)| depth).max().unwrap_or(0));
        }
        prop_assert_eq!(bases.longest_chain(), Some(longest));
    }

    #[test]
    fn a_damaged_pack_gives_errors_and_never_a_panic(
        steps in steps(), flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8), 1..10)
    ) {
        let maker = built(ObjectFormat::Sha1, &steps);
        let (mut pack, idx) = maker.finish();
        let entries = pack.len() - 12 - 20;
        for (at, bit) in flips {
            pack[12 + at.index(entries)] ^= 1u8 << bit;
        }
        let pack = packhouse_pack::Pack::from_bytes(pack, idx, ObjectFormat::Sha1).expect("the frame is whole");
        let db = database(vec![Arc::new(pack)], Limits { max_object_bytes: 1 << 16, max_delta_depth: 100 });
        for ordinal in 0..db.ordinal_count() {
            let _ = (db.read(ordinal, u64::MAX), db.kind_of(ordinal), db.size_of(ordinal), db.base_of(ordinal));
        }
        let _ = db.packs()[0].delta_bases(&CancelFlag::new()).expect("damage is for those who read it");
        prop_assert!(db.verify(&CancelFlag::new()).is_err() || db.packs()[0].bytes() == maker.finish().0);
    }

    #[test]
    fn a_truncated_pack_is_refused(steps in steps(), cut in any::<prop::sample::Index>()) {
        let (pack, idx) = built(ObjectFormat::Sha1, &steps).finish();
        let cut = pack[..cut.index(pack.len())].to_vec();
        prop_assert!(packhouse_pack::Pack::from_bytes(cut, idx, ObjectFormat::Sha1).is_err());
    }
}
