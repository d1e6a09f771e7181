//! Writing bitmaps, where a test from Python would take too long or see too little.

use packhouse_graph::reachable;
use packhouse_ingest::{Options, PackBuilder, index_bytes};
use packhouse_maintain::write_bitmaps;
use packhouse_object::{CancelFlag, Error, Kind, ObjectFormat, Oid, WorkCount};
use packhouse_pack::{Bytes, Database, Limits, Pack};
use std::path::PathBuf;
use std::sync::Arc;

const FORMAT: ObjectFormat = ObjectFormat::Sha256;
const MEMORY_BYTES: usize = 1 << 24;

#[derive(Default)]
struct History {
    builder: Option<PackBuilder>,
    number: usize,
}

impl History {
    fn add(&mut self, kind: Kind, content: &[u8]) -> Oid {
        self.builder.get_or_insert_with(|| PackBuilder::new(FORMAT, 0)).add(kind, content).expect("an object")
    }

    /// A commit with a file of its own, `dir/f<number>`.
    fn commit(&mut self, parents: &[Oid]) -> Oid {
        self.number += 1;
        let number = self.number;
        let blob = self.add(Kind::Blob, format!("content {number}").as_bytes());
        let dir = self.add(Kind::Tree, &[format!("100644 f{number}\0").as_bytes(), blob.as_bytes()].concat());
        let tree = self.add(Kind::Tree, &[b"40000 dir\0", dir.as_bytes()].concat());
        let parents: String = parents.iter().map(|parent| format!("parent {parent}\n")).collect();
        let people = format!("author A <a@b> {number} +0000\ncommitter C <c@d> {number} +0000\n\n");
        self.add(Kind::Commit, format!("tree {tree}\n{parents}{people}").as_bytes())
    }

    fn database(self) -> Database {
        let pack: Bytes = self.builder.expect("objects").finish().expect("a pack").into();
        let idx = index_bytes(&pack, &Options::for_stored(FORMAT, 1, CancelFlag::new())).expect("an idx");
        let pack = Pack::from_bytes(pack, idx, FORMAT).expect("a pack");
        let limits = Limits { max_object_bytes: 1 << 30, max_delta_depth: 50 };
        Database::new(vec![Arc::new(pack)], FORMAT, limits, 1 << 20).expect("a database")
    }
}

/// So many lines from one root, so many commits on each; then a commit that merges all.
fn lines(width: usize, length: usize) -> (Database, Oid) {
    let mut history = History::default();
    let root = history.commit(&[]);
    let mut ends = vec![root; width];
    for _ in 0..length {
        ends = ends.iter().map(|&end| history.commit(&[end])).collect();
    }
    let tip = history.commit(&ends);
    (history.database(), tip)
}

fn written(db: &Database, tips: &[Oid], max_memory_bytes: usize) -> Result<Vec<u8>, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("bitmap");
    match write_bitmaps(db, tips, &path, max_memory_bytes, &CancelFlag::new(), &WorkCount::new()) {
        Ok(_) => Ok(std::fs::read(&path).expect("a file")),
        Err(error) => {
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
            Err(error)
        }
    }
}

#[test]
fn the_memory_bound_changes_no_byte_and_is_kept() {
    let (db, tip) = lines(200, 4);
    let roomy = written(&db, &[tip], MEMORY_BYTES).expect("room");
    let fixed = db.ordinal_count() as usize * 22 + 802 * 60;
    let tight = (1..)
        .map(|step| fixed + step * 4096)
        .find_map(|bytes| written(&db, &[tip], bytes).ok().map(|file| (file, bytes)));
    let (file, bytes) = tight.expect("some bound is enough");
    assert_eq!(file, roomy);
    assert!(bytes - fixed < 200 * db.ordinal_count() as usize / 8, "bitmaps of 200 lines lie compressed in {bytes}");
    for too_few in [0, 1000, fixed, bytes - 4096] {
        assert!(matches!(written(&db, &[tip], too_few), Err(Error::Limit { .. })), "{too_few}");
    }
}

#[test]
fn names_are_hashed_with_their_folders() {
    let (db, tip) = lines(2, 3);
    let pack = &db.packs()[0];
    pack.attach_bitmaps_bytes(written(&db, &[tip], MEMORY_BYTES).expect("room")).expect("whole");
    let names = pack.bitmaps().expect("attached").name_hashes().expect("written");
    let hash = |path: &str| path.bytes().fold(0u32, |hash, byte| (hash >> 2).wrapping_add(u32::from(byte) << 24));
    for (&position, &name) in pack.pack_order().expect("distinct").iter().zip(&names) {
        match db.read(position, u64::MAX).expect("an object") {
            (Kind::Blob, content) => {
                let number =
                    String::from_utf8(content.strip_prefix(b"content ").expect("ours").to_vec()).expect("digits");
                assert_eq!(name, hash(&format!("dir/f{number}")));
            }
            (Kind::Tree, content) => assert!(name == if content.starts_with(b"40000 dir") { 0 } else { hash("dir") }),
            _ => assert_eq!(name, 0),
        }
    }
}

#[test]
fn every_tip_has_a_bitmap_of_its_closure() {
    let mut history = History::default();
    let root = history.commit(&[]);
    let tips: Vec<_> = (0..300).map(|_| history.commit(&[root])).collect();
    let db = history.database();
    let expected: Vec<_> =
        tips.iter().map(|&tip| reachable(&db, &[tip], &CancelFlag::new()).expect("a closure")).collect();
    let pack = &db.packs()[0];
    pack.attach_bitmaps_bytes(written(&db, &tips, MEMORY_BYTES).expect("room")).expect("whole");
    for (tip, expected) in tips.iter().zip(expected) {
        let reached = pack.reached_from(db.locate(tip).expect("stored")).expect("whole").expect("a bitmap");
        assert_eq!(*reached, expected);
    }
}

#[test]
fn a_cancelled_writer_stops_and_leaves_nothing() {
    let (db, tip) = lines(3, 3);
    let (folder, flag) = (tempfile::tempdir().expect("a folder"), CancelFlag::new());
    flag.set();
    let stopped = write_bitmaps(&db, &[tip], &folder.path().join("b"), MEMORY_BYTES, &flag, &WorkCount::new());
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn what_leads_to_no_commit_is_passed_over() {
    let mut history = History::default();
    let commit = history.commit(&[]);
    let blob = history.add(Kind::Blob, b"alone");
    let db = history.database();
    let folder = tempfile::tempdir().expect("a folder");
    let absent = Oid::from_bytes(&[7; 32]).expect("32 bytes");
    let path = folder.path().join("b");
    let count = write_bitmaps(&db, &[blob, absent, commit], &path, MEMORY_BYTES, &CancelFlag::new(), &WorkCount::new());
    assert_eq!(count.expect("room"), Some(1));
}
