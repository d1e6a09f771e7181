//! What gitoxide's crates see of a database, and what they may write beside it.

use gix_object::{Find, FindHeader, Write};
use packhouse_gix::{Objects, ReadLimits, gix_oid, oid_of};
use packhouse_ingest::{Options, PackBuilder, index_bytes};
use packhouse_object::{CancelFlag, Error, Kind, ObjectFormat, Oid, hash_object};
use packhouse_pack::{BitSet, Bytes, Database, Limits, Pack};
use std::sync::Arc;

const FORMATS: [ObjectFormat; 2] = [ObjectFormat::Sha1, ObjectFormat::Sha256];
const AMPLE: ReadLimits = ReadLimits { max_object_bytes: 1000, max_read_bytes: 1000, max_new_bytes: 1000 };

fn database(format: ObjectFormat, blobs: &[&[u8]]) -> Database {
    let mut builder = PackBuilder::new(format, 0);
    for blob in blobs {
        builder.add(Kind::Blob, blob).expect("a blob");
    }
    let pack: Bytes = builder.finish().expect("a pack").into();
    let idx = index_bytes(&pack, &Options::for_stored(format, 1, CancelFlag::new())).expect("an idx");
    let pack = Pack::from_bytes(pack, idx, format).expect("a pack");
    let limits = Limits { max_object_bytes: 1 << 30, max_delta_depth: 50 };
    Database::new(vec![Arc::new(pack)], format, limits, 1 << 20).expect("a database")
}

fn blob_oid(format: ObjectFormat, content: &[u8]) -> Oid {
    hash_object(format, Kind::Blob, content).expect("an id")
}

fn found(objects: &Objects<'_>, oid: &Oid) -> Option<(gix_object::Kind, Vec<u8>)> {
    let mut buffer = b"left by somebody".to_vec();
    let data = objects.try_find(&gix_oid(oid), &mut buffer).expect("no failure")?;
    Some((data.kind, data.data.to_vec()))
}

#[test]
fn stored_objects_are_found_in_both_formats() {
    for format in FORMATS {
        let db = database(format, &[b"one", b"two"]);
        let objects = Objects::new(&db, AMPLE, CancelFlag::new());
        let oid = blob_oid(format, b"two");
        assert_eq!(found(&objects, &oid), Some((gix_object::Kind::Blob, b"two".to_vec())));
        let header = objects.try_header(&gix_oid(&oid)).expect("no failure").expect("a header");
        assert_eq!((header.kind, header.size), (gix_object::Kind::Blob, 3));
        assert_eq!(objects.read_so_far(), (1, 3));
        assert_eq!(found(&objects, &blob_oid(format, b"three")), None);
    }
}

#[test]
fn what_a_view_hides_does_not_exist() {
    let db = database(ObjectFormat::Sha1, &[b"shown", b"hidden"]);
    let (shown, hidden) = (blob_oid(ObjectFormat::Sha1, b"shown"), blob_oid(ObjectFormat::Sha1, b"hidden"));
    let mut visible = BitSet::new(db.ordinal_count());
    visible.insert(db.require(&shown).expect("it is there"));
    let view = db.restricted(Arc::new(visible));
    let objects = Objects::new(&view, AMPLE, CancelFlag::new());
    assert!(found(&objects, &shown).is_some());
    assert!(found(&objects, &hidden).is_none());
    assert!(objects.try_header(&gix_oid(&hidden)).expect("no failure").is_none());
    objects.write_object(Kind::Blob, b"hidden").expect("written anew");
    assert!(objects.is_new(&hidden), "to the merge it is a new object, which has to be sent along");
}

#[test]
fn the_empty_tree_is_always_there() {
    for format in FORMATS {
        let db = database(format, &[b"one"]);
        let objects = Objects::new(&db, AMPLE, CancelFlag::new());
        let empty = hash_object(format, Kind::Tree, b"").expect("an id");
        assert_eq!(found(&objects, &empty), Some((gix_object::Kind::Tree, Vec::new())));
        assert!(!objects.is_new(&empty));
    }
}

#[test]
fn only_what_is_not_stored_is_new_and_each_once() {
    for format in FORMATS {
        let db = database(format, &[b"one"]);
        let objects = Objects::new(&db, AMPLE, CancelFlag::new());
        for content in [b"one", b"two", b"two"] {
            let id = objects.write_buf(gix_object::Kind::Blob, content).expect("written");
            assert_eq!(oid_of(&id), blob_oid(format, content));
        }
        let streamed = objects.write_stream(gix_object::Kind::Blob, 5, &mut &b"three"[..]).expect("written");
        assert_eq!(found(&objects, &oid_of(&streamed)), Some((gix_object::Kind::Blob, b"three".to_vec())));
        let new: Vec<_> = objects.into_new_objects().into_iter().map(|new| new.content).collect();
        assert_eq!(new, [b"two".to_vec(), b"three".to_vec()]);
    }
}

#[test]
fn each_limit_is_kept_and_named() {
    let (db, oid) = (database(ObjectFormat::Sha1, &[b"ten bytes!"]), blob_oid(ObjectFormat::Sha1, b"ten bytes!"));
    let raised = |limits: ReadLimits, work: &dyn Fn(&Objects<'_>) -> gix_error::Result<()>| {
        let objects = Objects::new(&db, limits, CancelFlag::new());
        work(&objects).map_err(|error| objects.raised(&error).to_string()).expect_err("over the limit")
    };
    let read = |objects: &Objects<'_>| objects.try_find(&gix_oid(&oid), &mut Vec::new()).map(|_| ());
    let twice = |objects: &Objects<'_>| read(objects).and_then(|()| read(objects));
    let write = |objects: &Objects<'_>| objects.write_buf(gix_object::Kind::Blob, b"eleven bytes").map(|_| ());
    assert!(raised(ReadLimits { max_object_bytes: 9, ..AMPLE }, &read).contains("over the limit of 9"));
    assert!(raised(ReadLimits { max_read_bytes: 19, ..AMPLE }, &twice).contains("is 20, over the limit of 19"));
    assert!(raised(ReadLimits { max_new_bytes: 11, ..AMPLE }, &write).contains("is 12, over the limit of 11"));
}

#[test]
fn a_cancelled_search_says_so_through_gitoxides_error() {
    let (db, cancel) = (database(ObjectFormat::Sha1, &[b"one"]), CancelFlag::new());
    let objects = Objects::new(&db, AMPLE, cancel.clone());
    cancel.set();
    let error =
        objects.try_find(&gix_oid(&blob_oid(ObjectFormat::Sha1, b"one")), &mut Vec::new()).expect_err("stopped");
    assert!(matches!(objects.raised(&error), Error::Cancelled));
}

#[test]
fn a_missing_object_is_named_once_gitoxide_needs_it() {
    let db = database(ObjectFormat::Sha1, &[b"one"]);
    let objects = Objects::new(&db, AMPLE, CancelFlag::new());
    let missing = blob_oid(ObjectFormat::Sha1, b"two");
    let error = gix_object::FindExt::find_blob(&objects, &gix_oid(&missing), &mut Vec::new()).expect_err("missing");
    assert!(matches!(objects.raised(&error), Error::Missing { oid } if oid == missing));
}
