//! Histories that end, where a test from Python would take too long or see too little.

use packhouse_graph::{Query, age_boundary, all_reach, depth_boundary, select};
use packhouse_ingest::{Options, PackBuilder, index_bytes};
use packhouse_object::{CancelFlag, Kind, ObjectFormat, Oid};
use packhouse_pack::{BitSet, Bytes, Database, Limits, Pack};
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

const FORMAT: ObjectFormat = ObjectFormat::Sha256;
/// More commits than are kept parsed.
const WIDTH: usize = 5_000;

struct History {
    builder: PackBuilder,
    tree: Oid,
}

impl History {
    fn new() -> Self {
        let mut builder = PackBuilder::new(FORMAT, 0);
        let tree = builder.add(Kind::Tree, b"").expect("a tree");
        Self { builder, tree }
    }

    /// The date makes the commit another one, too.
    fn commit(&mut self, parents: &[Oid], date_s: usize) -> Oid {
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let people = format!("author A <a@b> {date_s} +0000\ncommitter C <c@d> {date_s} +0000\n\n");
        let content = format!("tree {}\n{parents}{people}", self.tree);
        self.builder.add(Kind::Commit, content.as_bytes()).expect("a commit")
    }

    fn database(&self) -> Database {
        let pack: Bytes = self.builder.finish().expect("a pack").into();
        let idx = index_bytes(&pack, &Options::for_stored(FORMAT, 1, CancelFlag::new())).expect("an idx");
        let pack = Pack::from_bytes(pack, idx, FORMAT).expect("a pack");
        let limits = Limits { max_object_bytes: 1 << 30, max_delta_depth: 50 };
        Database::new(vec![Arc::new(pack)], FORMAT, limits, 1 << 20).expect("a database")
    }
}

/// One root, so many children of it, one tip above them all; the last two are named.
static WIDE: LazyLock<(Database, Oid, Oid)> = LazyLock::new(|| {
    let mut history = History::new();
    let root = history.commit(&[], 1);
    let level: Vec<_> = (0..WIDTH).map(|number| history.commit(&[root], 2 + number)).collect();
    let tip = history.commit(&level, 2 + WIDTH);
    (history.database(), root, tip)
});

fn oids(db: &Database, set: &BitSet) -> Vec<Oid> {
    set.iter().map(|ordinal| db.oid_of(ordinal)).collect()
}

#[test]
fn a_level_wider_than_what_is_kept_parsed_is_walked_whole() {
    let (db, root, tip) = &*WIDE;
    let to_depth = |depth| depth_boundary(db, &[*tip], NonZeroU32::new(depth).expect("a depth"), &CancelFlag::new());
    let found = to_depth(2).expect("a boundary");
    assert_eq!((found.boundary.count() as usize, oids(db, &found.above)), (WIDTH, vec![*tip]));
    let found = to_depth(3).expect("a boundary");
    assert_eq!((oids(db, &found.boundary), found.above.count() as usize), (vec![*root], WIDTH + 1));
}

#[test]
fn an_age_cuts_a_wide_history_where_it_says() {
    let (db, _, tip) = &*WIDE;
    let found = age_boundary(db, &[*tip], Some(WIDTH as u64), &[], &CancelFlag::new()).expect("a boundary");
    assert_eq!((found.boundary.count(), found.above.count()), (3, 0));
}

#[test]
fn a_cut_holds_for_every_walk() {
    let mut history = History::new();
    let root = history.commit(&[], 1);
    let end = history.commit(&[root], 2);
    let tip = history.commit(&[end], 3);
    let (db, flag) = (history.database(), CancelFlag::new());
    let select = |haves: &[Oid], shallow: &[Oid]| {
        let query = Query { wants: &[tip], haves, shallow, ..Query::default() };
        let found = select(&db, &query, &flag).expect("a selection");
        (found.objects.count(), found.client_holds.count())
    };
    assert_eq!((select(&[], &[]), select(&[], &[end])), ((4, 0), (3, 0)));
    assert_eq!((select(&[root], &[]), select(&[root], &[end])), ((2, 2), (2, 2)));
    let ready = |shallow: &[Oid]| all_reach(&db, &[tip], &[root], shallow, &flag).expect("an answer");
    assert!(ready(&[]) && !ready(&[end]));
}
