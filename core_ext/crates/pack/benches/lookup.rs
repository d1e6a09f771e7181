//! Looking objects up behind small packs, as pushes leave them: against one pack alone, and against pack after pack.
//!
//! `cargo bench -p packhouse-pack --bench lookup -- PACK`

#[path = "../tests/support/mod.rs"]
mod support;

use packhouse_object::{Kind, ObjectFormat, Oid};
use packhouse_pack::{Database, Pack};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use support::{LIMITS, PackMaker, database};

const SMALL_PACKS: u32 = 40;
const OBJECTS_EACH: u32 = 300;
const ROUNDS: u32 = 7;

fn main() {
    let Some(path) = std::env::args().nth(1).filter(|path| path.ends_with(".pack")) else {
        println!("usage: cargo bench -p packhouse-pack --bench lookup -- PACK");
        return;
    };
    let path = Path::new(&path);
    let bulk = Arc::new(Pack::open(path, &path.with_extension("idx"), ObjectFormat::Sha1).expect("a pack"));
    let alone = database(vec![Arc::clone(&bulk)], LIMITS);
    let mut pushed: Vec<Database> = vec![alone.clone()];
    for number in 0..SMALL_PACKS {
        let pack = small_pack(number);
        let latest = &pushed[pushed.len() - 1];
        pushed.push(latest.with_pack(pack).expect("one more"));
    }
    let full = &pushed[pushed.len() - 1];
    let behind = oids_of(&bulk);
    let in_front: Vec<_> = full.packs()[..SMALL_PACKS as usize].iter().flat_map(|pack| oids_of(pack)).collect();
    time("one pack, what it holds", &behind, |oid| alone.locate(oid).is_some());
    time("40 packs in front, what the last holds", &behind, |oid| full.locate(oid).is_some());
    time("40 packs in front, what these hold", &in_front, |oid| full.locate(oid).is_some());
    time("pack after pack, what the last holds", &behind, |oid| plain(full, oid).is_some());
    push(full);
}

fn small_pack(number: u32) -> Arc<Pack> {
    let mut maker = PackMaker::new(ObjectFormat::Sha1);
    for row in 0..OBJECTS_EACH {
        maker.whole(Kind::Blob, format!("object {row} of push {number}").as_bytes());
    }
    maker.open()
}

/// In an order that has nothing to do with that of the ids.
fn oids_of(pack: &Pack) -> Vec<Oid> {
    let order = pack.pack_order().expect("distinct offsets");
    order.iter().map(|&position| Oid::from_bytes(pack.index().oid_at(position)).expect("an id")).collect()
}

fn plain(db: &Database, oid: &Oid) -> Option<u32> {
    db.packs().iter().find_map(|pack| pack.index().find(oid))
}

/// The best of several rounds, since others share the machine.
fn time(name: &str, oids: &[Oid], is_there: impl Fn(&Oid) -> bool) {
    let round = |_| {
        let start = Instant::now();
        assert!(oids.iter().all(|oid| black_box(is_there(oid))));
        start.elapsed()
    };
    let best = (0..ROUNDS).map(round).min().unwrap_or_default();
    println!("{:9.1?} each: {name}", best / oids.len().try_into().unwrap_or(u32::MAX));
}

fn push(db: &Database) {
    let start = Instant::now();
    let homes = db.objects();
    println!("{:9.1?}: all homes, from nothing, {} of {}", start.elapsed(), homes.count(), db.ordinal_count());
    let packs: Vec<_> = (SMALL_PACKS..2 * SMALL_PACKS).map(small_pack).collect();
    let mut latest = db.clone();
    let start = Instant::now();
    for pack in packs {
        latest = latest.with_pack(pack).expect("one more");
        assert!(latest.objects().count() > 0);
    }
    println!("{:9.1?} each: a pack more, and all homes", start.elapsed() / SMALL_PACKS);
}
