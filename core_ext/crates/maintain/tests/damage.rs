//! Whatever happens to the bytes of a commit-graph: it is refused, or every walk ends with an answer or an error.

mod support;

use packhouse_graph as graph;
use packhouse_maintain::write_commit_graph;
use packhouse_object::{CancelFlag, Error, Hasher, Kind, ObjectFormat, Oid, WorkCount, hash_object, zlib};
use packhouse_pack::{Database, EntryHeader, EntryKind, IndexBuilder, Limits, Pack};
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::sync::Arc;
use support::{History, graph_bytes, histories};

type Edits = Vec<(prop::sample::Index, Vec<u8>)>;

fn edits() -> impl Strategy<Value = Edits> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..9),
        prop::collection::vec(prop::sample::select(vec![0u8, 1, 0x70, 0x7f, 0x80, 0xff]), 1..5),
        Just(vec![0, 0, 0]),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), bytes), 1..4)
}

fn edited(bytes: &[u8], edits: &Edits, end: usize) -> Vec<u8> {
    let mut edited = bytes.to_vec();
    for (at, new) in edits {
        let start = at.index(end);
        let len = new.len().min(end - start);
        edited[start..start + len].copy_from_slice(&new[..len]);
    }
    edited
}

/// The same with a checksum that is right.
fn mended(format: ObjectFormat, mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - format.oid_len();
    let mut hasher = Hasher::unchecked(format);
    hasher.update(&bytes[..end]);
    let trailer = hasher.finish().expect("unchecked");
    bytes[end..].copy_from_slice(trailer.as_bytes());
    bytes
}

fn is_refused(attached: Result<(), Error>) -> bool {
    match attached {
        Ok(()) => false,
        Err(Error::CorruptIndex { .. }) => true,
        Err(other) => panic!("{other}"),
    }
}

/// Everything that looks at commits. What it finds may be wrong; it has to end.
fn walk_everywhere(history: &History, db: &Database) {
    let flag = CancelFlag::new();
    let homes: Vec<_> = history.oids.iter().filter_map(|oid| db.locate(oid)).collect();
    let (first, last) = (history.oids[0], history.oids[history.oids.len() - 1]);
    for &home in &homes {
        let _ = graph::is_ancestor(db, home, homes[0], &flag);
        let _ = graph::is_ancestor(db, homes[0], home, &flag);
        let _ = graph::merge_bases(db, home, homes[homes.len() / 2], &flag);
        let _ = graph::walk_commits(db, &[home], &homes[..1], 0..99, &flag);
        let _ = graph::count_commits(db, &[home], &flag);
    }
    let _ = graph::depth_boundary(db, &[last], NonZeroU32::MAX, &flag);
    let _ = graph::age_boundary(db, &[last], Some(1), &[first], &flag);
    let _ = graph::reached_among(db, &[last], &[first], &[], &flag);
    let _ = graph::all_reach(db, &[last], &[first], &[], &flag);
    let _ = graph::reachable(db, &history.oids, &flag);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn edits_are_noticed_and_with_a_mended_checksum_do_no_harm(history in histories(), edits in edits()) {
        let pack = history.pack(history.all());
        let db = history.database(vec![pack.clone()]);
        let bytes = graph_bytes(&db);
        let damaged = edited(&bytes, &edits, bytes.len());
        prop_assert_eq!(is_refused(pack.attach_graph_bytes(damaged.clone())), damaged != bytes);
        let hidden = mended(history.format, edited(&bytes, &edits, bytes.len() - history.format.oid_len()));
        let pack = history.pack(history.all());
        if !is_refused(pack.attach_graph_bytes(hidden)) {
            walk_everywhere(&history, &history.database(vec![pack]));
        }
    }

    #[test]
    fn a_part_of_a_file_is_refused(history in histories(), at in any::<prop::sample::Index>(), mend in any::<bool>()) {
        let pack = history.pack(history.all());
        let bytes = graph_bytes(&history.database(vec![pack.clone()]));
        let mut part = bytes[..at.index(bytes.len())].to_vec();
        if mend && part.len() >= history.format.oid_len() {
            part = mended(history.format, part);
        }
        prop_assert!(is_refused(pack.attach_graph_bytes(part)));
    }

    #[test]
    fn noise_is_refused(history in histories(), noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        let pack = history.pack(history.all());
        prop_assert!(is_refused(pack.attach_graph_bytes(noise)));
    }
}

/// A pack whose objects do not hash to their names, so that commits can be each other's parents.
fn circle() -> Database {
    let format = ObjectFormat::Sha1;
    let names = [1u8, 2].map(|byte| Oid::from_bytes(&[byte; 20]).expect("an id"));
    let tree = hash_object(format, Kind::Tree, b"").expect("an id");
    let mut bytes = b"PACK\0\0\0\x02\0\0\0\x02".to_vec();
    let mut idx = IndexBuilder::with_capacity(format, 2);
    for (name, parent) in [(names[0], names[1]), (names[1], names[0])] {
        let content = format!("tree {tree}\nparent {parent}\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n\n");
        idx.push(&name, bytes.len() as u64, 0);
        EntryHeader::write(EntryKind::Whole(Kind::Commit), content.len() as u64, &mut bytes);
        bytes.extend_from_slice(&zlib::deflate(content.as_bytes(), 1));
    }
    let mut hasher = Hasher::unchecked(format);
    hasher.update(&bytes);
    let trailer = hasher.finish().expect("unchecked");
    bytes.extend_from_slice(trailer.as_bytes());
    let idx = idx.to_bytes(trailer.as_bytes()).expect("an idx");
    let pack = Pack::from_bytes(bytes, idx, format).expect("a pack");
    let limits = Limits { max_object_bytes: 1 << 20, max_delta_depth: 50 };
    Database::new(vec![Arc::new(pack)], format, limits, 0).expect("a database")
}

#[test]
fn commits_in_a_circle_have_no_graph() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("graph");
    let written = write_commit_graph(&circle(), &path, &CancelFlag::new(), &WorkCount::new());
    assert!(matches!(written, Err(Error::CorruptObject { .. })), "{written:?}");
    assert!(!path.exists());
}
