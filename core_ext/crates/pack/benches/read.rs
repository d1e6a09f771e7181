//! Reading every object of a pack, in the order of the pack and in that of the ids.
//!
//! `cargo bench -p packhouse-pack --bench read -- PACK`, next to `git cat-file --batch-all-objects --batch [--unordered]`
//! in the same repository.

use packhouse_object::{Kind, ObjectFormat};
use packhouse_pack::{Database, Limits, Ordinal, Pack};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const CACHE_BYTES: usize = 96 << 20; // Git's core.deltaBaseCacheLimit

fn main() {
    let Some(path) = std::env::args().nth(1).filter(|path| path.ends_with(".pack")) else {
        println!("usage: cargo bench -p packhouse-pack --bench read -- PACK");
        return;
    };
    let pack_path = Path::new(&path);
    let start = Instant::now();
    let pack = Pack::open(pack_path, &pack_path.with_extension("idx"), ObjectFormat::Sha1).expect("a pack");
    println!("open   {:8.3?}", start.elapsed());
    let start = Instant::now();
    let in_pack_order = pack.pack_order().expect("distinct offsets").to_vec();
    println!("order  {:8.3?}", start.elapsed());
    let by_oid: Vec<Ordinal> = (0..pack.len()).collect();
    let pack = Arc::new(pack);
    let trees = of_kind(&pack, &in_pack_order, Kind::Tree);
    for (name, order) in [("trees", &trees), ("pack order", &in_pack_order), ("oid order", &by_oid)] {
        read_all(name, &pack, order);
    }
    find_all(&pack, &in_pack_order);
}

fn of_kind(pack: &Pack, order: &[u32], kind: Kind) -> Vec<u32> {
    let start = Instant::now();
    let is_kind = |&position: &u32| pack.kind_at(pack.index().offset_at(position), 4095).expect("a chain") == kind;
    let found = order.iter().copied().filter(is_kind).collect();
    println!("kinds  {:8.3?} for each of {}", start.elapsed() / pack.len().max(1), pack.len());
    found
}

fn read_all(name: &str, pack: &Arc<Pack>, order: &[Ordinal]) {
    let limits = Limits { max_object_bytes: 1 << 30, max_delta_depth: 4095 };
    let database = Database::new(vec![Arc::clone(pack)], ObjectFormat::Sha1, limits, CACHE_BYTES).expect("one pack");
    let start = Instant::now();
    let mut bytes = 0;
    for &ordinal in order {
        bytes += database.read(ordinal, u64::MAX).expect("an object").1.len();
    }
    let elapsed = start.elapsed();
    let mib_per_s = bytes as f64 / elapsed.as_secs_f64() / f64::from(1 << 20);
    println!("read   {elapsed:8.3?}  {name}, {} objects, {bytes} bytes, {mib_per_s:.0} MiB/s", order.len());
}

fn find_all(pack: &Pack, order: &[u32]) {
    let oids: Vec<_> = order
        .iter()
        .map(|&position| packhouse_object::Oid::from_bytes(pack.index().oid_at(position)).expect("an id"))
        .collect();
    let start = Instant::now();
    assert!(oids.iter().zip(order).all(|(oid, &position)| pack.index().find(oid) == Some(position)));
    println!("find   {:8.3?} for each of {}", start.elapsed() / pack.len().max(1), pack.len());
}
