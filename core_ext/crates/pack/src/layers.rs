//! Looking an object up in many packs at once.
//!
//! Every push adds a pack, so a repository has one large pack and up to some dozens of small ones in front of it, and a
//! lookup that asked each of them would cost ten times one in the large pack. Neighbouring small packs share a hash table,
//! a *layer*. A new pack joins the layer behind it once it and those that came after that layer hold a quarter of it, as a
//! counter carries: so there are few layers, an object goes through a handful of tables before it is merged for good, and
//! what is behind is shared with the databases of before.

use crate::{Ordinal, Pack};
use hashbrown::{DefaultHashBuilder, HashTable};
use packhouse_object::Oid;
use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

/// Larger packs are asked by themselves: a table would cost more memory than their idx costs time.
pub(crate) const MAX_PACK_OBJECTS: u32 = 1 << 16;
/// The most objects of a layer. Memory: 5 to 10 bytes for each.
const MAX_LAYER_OBJECTS: u32 = 1 << 18;
/// A layer is merged with what is in front of it while it holds less than so many times as much.
const MAX_RATIO: u32 = 4;

/// Seeded, since a pack may name any ids it likes; the same for all layers, so that a lookup hashes once.
static SEED: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// Packs, newest first, in layers.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    /// Newest first.
    list: Vec<Layer>,
}

#[derive(Clone)]
enum Layer {
    One(Arc<Pack>),
    Many(Arc<Table>),
}

/// One table over neighbouring packs.
struct Table {
    /// Oldest first, so that numbers stay as they are when a newer one comes.
    packs: Vec<Arc<Pack>>,
    /// The number of the first object of each pack, and after them that of all.
    starts: Vec<u32>,
    /// Each object once, by its number in the newest pack that has it.
    numbers: HashTable<u32>,
}

impl Layers {
    /// The same with one more pack in front.
    pub(crate) fn with_pack(&self, pack: &Arc<Pack>) -> Self {
        let mut front = Layer::One(Arc::clone(pack));
        let mut behind = self.list.iter();
        let mut rest = behind.as_slice();
        while let Some(next) = behind.next().filter(|next| front.may_take(next)) {
            front = front.merged(next);
            rest = behind.as_slice();
        }
        Self { list: std::iter::once(front).chain(rest.iter().cloned()).collect() }
    }

    /// The ordinal of an object in the newest pack that has it.
    pub(crate) fn find(&self, oid: &Oid) -> Option<Ordinal> {
        let mut start = 0;
        let mut hash = None;
        for layer in &self.list {
            let found = match layer {
                Layer::One(pack) => pack.index().find(oid),
                Layer::Many(table) => table.find(oid, *hash.get_or_insert_with(|| hash_of(oid.as_bytes()))),
            };
            if let Some(ordinal) = found {
                return Some(start + ordinal);
            }
            start += layer.object_count();
        }
        None
    }
}

impl Layer {
    fn object_count(&self) -> u32 {
        match self {
            Self::One(pack) => pack.len(),
            Self::Many(table) => table.object_count(),
        }
    }

    fn is_large_pack(&self) -> bool {
        matches!(self, Self::One(pack) if pack.len() > MAX_PACK_OBJECTS)
    }

    /// Whether this layer and the one behind it are to be one.
    fn may_take(&self, behind: &Self) -> bool {
        let (mine, theirs) = (self.object_count(), behind.object_count());
        !self.is_large_pack()
            && !behind.is_large_pack()
            && theirs < mine.saturating_mul(MAX_RATIO)
            && mine + theirs <= MAX_LAYER_OBJECTS
    }

    fn merged(&self, behind: &Self) -> Self {
        let mut table = match behind {
            Self::One(pack) => Table::empty().with(pack),
            Self::Many(table) => table.copy(),
        };
        match self {
            Self::One(pack) => table = table.with(pack),
            Self::Many(newer) => table = newer.packs.iter().fold(table, Table::with),
        }
        Self::Many(Arc::new(table))
    }
}

impl Table {
    fn empty() -> Self {
        Self { packs: Vec::new(), starts: vec![0], numbers: HashTable::new() }
    }

    fn copy(&self) -> Self {
        Self { packs: self.packs.clone(), starts: self.starts.clone(), numbers: self.numbers.clone() }
    }

    /// The same with a newer pack, whose objects count.
    fn with(mut self, pack: &Arc<Pack>) -> Self {
        let first = self.object_count();
        let Self { packs, starts, numbers } = &mut self;
        packs.push(Arc::clone(pack));
        starts.push(first + pack.len());
        numbers.reserve(pack.len() as usize, |&number| hash_of(oid_of(packs, starts, number)));
        for position in 0..pack.len() {
            let oid = pack.index().oid_at(position);
            let hash = hash_of(oid);
            match numbers.find_mut(hash, |&number| oid_of(packs, starts, number) == oid) {
                Some(number) => *number = first + position,
                None => {
                    numbers.insert_unique(hash, first + position, |&number| hash_of(oid_of(packs, starts, number)));
                }
            }
        }
        self
    }

    fn object_count(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The ordinal of an object among those of this layer, where newer packs come first.
    fn find(&self, oid: &Oid, hash: u64) -> Option<Ordinal> {
        let is_it = |&number: &u32| oid_of(&self.packs, &self.starts, number) == oid.as_bytes();
        let number = *self.numbers.find(hash, is_it)?;
        let at = place_of(&self.starts, number);
        Some(self.object_count() - self.starts[at + 1] + (number - self.starts[at]))
    }
}

fn place_of(starts: &[u32], number: u32) -> usize {
    starts.partition_point(|&start| start <= number) - 1
}

fn oid_of<'a>(packs: &'a [Arc<Pack>], starts: &[u32], number: u32) -> &'a [u8] {
    let at = place_of(starts, number);
    packs[at].index().oid_at(number - starts[at])
}

fn hash_of(oid: &[u8]) -> u64 {
    SEED.hash_one(oid)
}
