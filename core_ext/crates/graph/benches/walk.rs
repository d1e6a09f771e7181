//! The closure of everything, and writing all of it, of one pack or of several.
//!
//! `cargo bench -p packhouse-graph --bench walk -- PACK...`, the newest pack first, next to `git rev-list --objects --all`
//! and `git pack-objects --all --stdout` in the same repository.

use packhouse_graph::{ObjectSet, PackOptions, PackStream, reachable};
use packhouse_object::edges::for_each_edge;
use packhouse_object::{CancelFlag, Kind, ObjectFormat, Oid};
use packhouse_pack::{BitSet, Database, Limits, Pack};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const CACHE_BYTES: usize = 96 << 20; // Git's core.deltaBaseCacheLimit
const ROUNDS: usize = 5;
const READ_BYTES: usize = 1 << 16;

fn main() {
    let paths: Vec<_> = std::env::args().skip(1).filter(|path| path.ends_with(".pack")).collect();
    if paths.is_empty() {
        println!("usage: cargo bench -p packhouse-graph --bench walk -- PACK...");
        return;
    }
    let tips = tips_of(&open(&paths));
    for _ in 0..ROUNDS {
        let db = open(&paths);
        let start = Instant::now();
        let found = reachable(&db, &tips, &CancelFlag::new()).expect("a closed graph");
        println!("reach  {:8.3?}  {} objects", start.elapsed(), found.count());
    }
    for _ in 0..ROUNDS {
        let db = open(&paths);
        write_all(&db);
    }
}

fn open(paths: &[String]) -> Database {
    let open = |path: &String| Pack::open(Path::new(path), &Path::new(path).with_extension("idx"), ObjectFormat::Sha1);
    let packs = paths.iter().map(|path| Arc::new(open(path).expect("a pack"))).collect();
    let limits = Limits { max_object_bytes: 1 << 30, max_delta_depth: 4095 };
    Database::new(packs, ObjectFormat::Sha1, limits, CACHE_BYTES).expect("packs")
}

/// What nothing refers to.
fn tips_of(db: &Database) -> Vec<Oid> {
    let mut tips = BitSet::clone(&db.objects());
    for ordinal in db.objects().iter() {
        if db.kind_of(ordinal).expect("a chain") == Kind::Blob {
            continue;
        }
        let (kind, content) = db.read(ordinal, u64::MAX).expect("an object");
        for_each_edge(db.format(), kind, &content, |oid, _| Ok(_ = tips.remove(db.require(&oid)?))).expect("edges");
    }
    tips.iter().map(|ordinal| db.oid_of(ordinal)).collect()
}

fn write_all(db: &Database) {
    let objects = ObjectSet::new(db, db.objects());
    let start = Instant::now();
    let options = PackOptions { ofs_delta: true, level: 6, threads: 1 };
    let mut stream = PackStream::new(db, &objects, None, options, CancelFlag::new()).expect("one database");
    let mut bytes = 0;
    loop {
        let piece = stream.read(READ_BYTES).expect("a pack");
        if piece.is_empty() {
            break;
        }
        bytes += piece.len();
    }
    println!(
        "write  {:8.3?}  {} objects, {bytes} bytes, {} reused",
        start.elapsed(),
        objects.len(),
        stream.reused_count()
    );
}
