//! The distinct outgoing edges of a pack's objects: (target, kind the target must have).
//!
//! Records of raw bytes lie densely, in shards with a lock each so that all threads fill one table; a hash table of 32-bit
//! record numbers finds them. Memory: for each distinct edge its id, a byte of kind and about 6 bytes of hash table, at most
//! twice that while a shard grows. The hash is seeded: a pack may name any ids it likes.

use hashbrown::{DefaultHashBuilder, HashTable};
use packhouse_object::{Kind, ObjectFormat, Oid, Result};
use parking_lot::Mutex;
use std::hash::BuildHasher;

const SHARDS: usize = 64;

/// A set of edges that many threads add to.
pub(crate) struct EdgeTable {
    shards: Box<[Mutex<Shard>]>,
    seed: DefaultHashBuilder,
    oid_len: usize,
}

#[derive(Default)]
struct Shard {
    records: Vec<u8>,
    numbers: HashTable<u32>,
}

impl EdgeTable {
    pub fn new(format: ObjectFormat) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, seed: DefaultHashBuilder::default(), oid_len: format.oid_len() }
    }

    pub fn insert(&self, oid: &Oid, kind: Kind) {
        let record_len = self.oid_len + 1;
        let hash = self.seed.hash_one(oid.as_bytes());
        let mut shard = self.shard(hash).lock();
        let Shard { records, numbers } = &mut *shard;
        let is_same = |&number: &u32| {
            let record = &records[number as usize * record_len..][..record_len];
            record[..self.oid_len] == *oid.as_bytes() && record[self.oid_len] == kind as u8
        };
        if numbers.find(hash, is_same).is_some() {
            return;
        }
        #[allow(clippy::cast_possible_truncation)] // a shard of 2^32 records is 80 GiB
        let number = (records.len() / record_len) as u32;
        records.extend_from_slice(oid.as_bytes());
        records.push(kind as u8);
        numbers.insert_unique(hash, number, |&number| {
            self.seed.hash_one(&records[number as usize * record_len..][..self.oid_len])
        });
    }

    /// Whether some edge leads to the object, whatever kind it expects there.
    pub fn has_target(&self, oid: &[u8]) -> bool {
        let hash = self.seed.hash_one(oid);
        let shard = self.shard(hash).lock();
        let is_target = |&number: &u32| shard.records[number as usize * (self.oid_len + 1)..][..self.oid_len] == *oid;
        shard.numbers.find(hash, is_target).is_some()
    }

    /// Visit every edge, in no order.
    pub fn try_for_each(&self, mut visit: impl FnMut(Oid, Kind) -> Result<()>) -> Result<()> {
        for shard in &self.shards {
            for record in shard.lock().records.chunks_exact(self.oid_len + 1) {
                let kind = Kind::from_number(record[self.oid_len]);
                kind.map_or(Ok(()), |kind| visit(Oid::from_bytes(&record[..self.oid_len])?, kind))?;
            }
        }
        Ok(())
    }

    /// The hash table takes the low bits of the hash for its buckets and the top seven for its tags.
    fn shard(&self, hash: u64) -> &Mutex<Shard> {
        #[allow(clippy::cast_possible_truncation)] // masked
        let number = (hash >> 48) as usize % SHARDS;
        &self.shards[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const KINDS: [Kind; 4] = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];

    fn edges_of(table: &EdgeTable) -> Vec<(Oid, Kind)> {
        let mut edges = Vec::new();
        table
            .try_for_each(|oid, kind| {
                edges.push((oid, kind));
                Ok(())
            })
            .expect("nothing fails");
        edges.sort_unstable();
        edges
    }

    proptest! {
        #[test]
        fn a_table_filled_by_two_threads_holds_each_edge_once(
            is_sha256: bool,
            edges in prop::collection::vec((0u8..40, 0usize..4), 0..300),
        ) {
            let format = if is_sha256 { ObjectFormat::Sha256 } else { ObjectFormat::Sha1 };
            let oid = |number: u8| Oid::from_bytes(&vec![number; format.oid_len()]).expect("a valid length");
            let table = EdgeTable::new(format);
            let fill = || edges.iter().for_each(|&(number, kind)| table.insert(&oid(number), KINDS[kind]));
            std::thread::scope(|scope| {
                scope.spawn(fill);
                fill();
            });
            let expected: BTreeSet<_> = edges.iter().map(|&(number, kind)| (oid(number), KINDS[kind])).collect();
            prop_assert_eq!(edges_of(&table), expected.iter().copied().collect::<Vec<_>>());
            for number in 0..40 {
                let is_target = expected.iter().any(|&(target, _)| target == oid(number));
                prop_assert_eq!(table.has_target(oid(number).as_bytes()), is_target);
            }
        }
    }
}
