//! Objects over a list of packs.
//!
//! An object is named inside a database by an *ordinal*: its pack's first ordinal plus its position in that pack's idx. An
//! object that several packs hold has an ordinal in each of them; its *home* is the one in the first pack, and only homes
//! are handed out.

use crate::cache::{Cache, Decoded};
use crate::packs::Packs;
use crate::{BitSet, Content, Pack, decode};
use packhouse_object::{Error, Kind, ObjectFormat, Oid, Result};
use std::sync::Arc;

/// The number of an object in one database.
pub type Ordinal = u32;

/// What decoding may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest object, delta or delta base, in bytes.
    pub max_object_bytes: u64,
    /// The most deltas between an object and one that is stored whole.
    pub max_delta_depth: u32,
}

/// Objects over packs, newest pack first. Frozen, any thread; a clone shares everything.
#[derive(Clone)]
pub struct Database {
    packs: Arc<Packs>,
    cache: Arc<Cache>,
    limits: Limits,
    visible: Option<Arc<BitSet>>,
}

impl Database {
    /// A database of `packs`, newest first. `cache_bytes` bounds what decoded delta bases may take, for all clones together.
    ///
    /// # Errors
    /// `CorruptPack` if a pack is of another object format, `Limit` if the packs hold 2^32 objects or more.
    pub fn new(packs: Vec<Arc<Pack>>, format: ObjectFormat, limits: Limits, cache_bytes: usize) -> Result<Self> {
        let cache = Arc::new(Cache::new(cache_bytes));
        Ok(Self { packs: Packs::over(&packs, format)?, cache, limits, visible: None })
    }

    /// The same with one more pack in front; it shares the cache. A restriction is dropped, and ordinals change.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_pack(&self, pack: Arc<Pack>) -> Result<Self> {
        let list: Vec<_> = std::iter::once(pack).chain(self.packs.list.iter().cloned()).collect();
        let packs = Packs::over(&list, self.packs.format)?;
        Ok(Self { packs, cache: Arc::clone(&self.cache), limits: self.limits, visible: None })
    }

    /// A view in which only these objects exist (design, law 8).
    ///
    /// visible: homes of this database. Of a view that is restricted already, what both show.
    #[must_use]
    pub fn restricted(&self, visible: Arc<BitSet>) -> Self {
        let visible = match &self.visible {
            None => visible,
            Some(before) => {
                let mut both = BitSet::clone(before);
                both.intersect(&visible);
                Arc::new(both)
            }
        };
        Self { visible: Some(visible), ..self.clone() }
    }

    /// Whether ordinals of the one mean the same in the other.
    #[must_use]
    pub fn shares_ordinals(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.packs, &other.packs)
    }

    /// What is stored, whether it is visible or not.
    pub(crate) fn stored(&self) -> &Packs {
        &self.packs
    }

    /// The packs, newest first.
    #[must_use]
    pub fn packs(&self) -> &[Arc<Pack>] {
        &self.packs.list
    }

    /// The format of the objects' names.
    #[must_use]
    pub fn format(&self) -> ObjectFormat {
        self.packs.format
    }

    /// What decoding may cost.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One more than the greatest ordinal: the size of a [`BitSet`] over this database.
    #[must_use]
    pub fn ordinal_count(&self) -> u32 {
        self.packs.ordinal_count()
    }

    /// The home of an object, if it is visible.
    #[must_use]
    pub fn locate(&self, oid: &Oid) -> Option<Ordinal> {
        let home = self.packs.home_of(oid)?;
        self.visible.as_ref().is_none_or(|visible| visible.get(home)).then_some(home)
    }

    /// The home of what is stored at an ordinal, a home or not, if it is visible. Nothing is looked up by id if it is one.
    #[must_use]
    pub fn home_at(&self, ordinal: Ordinal) -> Option<Ordinal> {
        let home = self.stored_home(ordinal);
        self.visible.as_ref().is_none_or(|visible| visible.get(home)).then_some(home)
    }

    /// As [`Self::locate`], of an object that must be there.
    ///
    /// # Errors
    /// `Missing`.
    pub fn require(&self, oid: &Oid) -> Result<Ordinal> {
        self.locate(oid).ok_or(Error::Missing { oid: *oid })
    }

    /// Whether no newer pack holds the same object. The first call compares all packs with each other.
    #[must_use]
    pub fn is_home(&self, ordinal: Ordinal) -> bool {
        self.packs.list.len() == 1 || self.packs.homes().get(ordinal)
    }

    /// All visible objects.
    #[must_use]
    pub fn objects(&self) -> Arc<BitSet> {
        Arc::clone(self.visible.as_ref().unwrap_or_else(|| self.packs.homes()))
    }

    /// The homes of all that is stored, whether it is visible or not.
    #[must_use]
    pub fn stored_homes(&self) -> &Arc<BitSet> {
        self.packs.homes()
    }

    /// The home of what is stored at an ordinal, whether it is visible or not.
    #[must_use]
    pub fn stored_home(&self, ordinal: Ordinal) -> Ordinal {
        if self.is_home(ordinal) { ordinal } else { self.packs.home_of(&self.oid_of(ordinal)).unwrap_or(ordinal) }
    }

    /// Whether all of some homes are visible.
    #[must_use]
    pub fn shows_all(&self, homes: &BitSet) -> bool {
        self.visible.as_ref().is_none_or(|visible| homes.is_subset(visible))
    }

    /// Take out of some homes those that are not visible.
    pub fn hide_invisible(&self, homes: &mut BitSet) {
        if let Some(visible) = &self.visible {
            homes.intersect(visible);
        }
    }

    /// The name of an object.
    ///
    /// # Panics
    /// Here and below: if `ordinal` is not below [`Self::ordinal_count`].
    #[must_use]
    pub fn oid_of(&self, ordinal: Ordinal) -> Oid {
        let (pack, position) = self.pack_and_position(ordinal);
        let oid = Oid::from_bytes(pack.index().oid_at(position));
        oid.unwrap_or_else(|_| unreachable!("an index holds ids of 20 or 32 bytes"))
    }

    /// Where an ordinal leads.
    #[must_use]
    pub fn pack_and_position(&self, ordinal: Ordinal) -> (&Arc<Pack>, u32) {
        let (number, position) = self.pack_number(ordinal);
        (&self.packs.list[number], position)
    }

    /// The index in [`Self::packs`] of an ordinal's pack, and the position in that pack's idx.
    #[must_use]
    pub fn pack_number(&self, ordinal: Ordinal) -> (usize, u32) {
        self.packs.place_of(ordinal)
    }

    /// The first ordinal of the pack at `number` in [`Self::packs`].
    #[must_use]
    pub fn first_ordinal(&self, number: usize) -> Ordinal {
        self.packs.starts[number]
    }

    /// The pack of an object, and where in it its entry starts.
    #[must_use]
    pub fn pack_and_offset(&self, ordinal: Ordinal) -> (&Arc<Pack>, u64) {
        let (pack, position) = self.pack_and_position(ordinal);
        (pack, pack.index().offset_at(position))
    }

    /// The kind of an object. Cost: O(delta depth), headers only; of a commit in a commit-graph, a bit test.
    ///
    /// # Errors
    /// `CorruptPack`.
    pub fn kind_of(&self, ordinal: Ordinal) -> Result<Kind> {
        let (pack, position) = self.pack_and_position(ordinal);
        if pack.graph().is_some_and(|graph| graph.row_of(position).is_some()) {
            return Ok(Kind::Commit);
        }
        pack.kind_at(pack.index().offset_at(position), self.limits.max_delta_depth)
    }

    /// The size of an object in bytes, as its header or its delta announces it.
    ///
    /// # Errors
    /// `CorruptPack`.
    pub fn size_of(&self, ordinal: Ordinal) -> Result<u64> {
        let (pack, offset) = self.pack_and_offset(ordinal);
        decode::size_at(pack, offset)
    }

    /// The kind and content of an object. Cost: O(delta depth) objects decoded, fewer with what is cached.
    ///
    /// # Errors
    /// `CorruptPack`; `Limit` if the object is larger than `max_bytes` or it or a delta base larger than the database's limit.
    pub fn read(&self, ordinal: Ordinal, max_bytes: u64) -> Result<(Kind, Content)> {
        let (pack, offset) = self.pack_and_offset(ordinal);
        self.read_at(pack, offset, max_bytes)
    }

    pub(crate) fn read_at(&self, pack: &Pack, offset: u64, max_bytes: u64) -> Result<Decoded> {
        decode::read_at(pack, offset, max_bytes, &self.limits, &self.cache)
    }

    /// The stored delta base of an object, an ordinal of the same pack; `None` if it is stored whole.
    ///
    /// # Errors
    /// `CorruptPack`; `CorruptIndex` if the pack cannot be ordered.
    pub fn base_of(&self, ordinal: Ordinal) -> Result<Option<Ordinal>> {
        let (pack, position) = self.pack_and_position(ordinal);
        let offset = pack.index().offset_at(position);
        let Some(base_offset) = pack.base_offset(offset, &pack.header_at(offset)?)? else { return Ok(None) };
        match pack.position_of_offset(base_offset)? {
            Some(base) => Ok(Some(ordinal - position + base)),
            None => Err(pack.corrupt(offset, "no entry starts at its delta base")),
        }
    }
}
