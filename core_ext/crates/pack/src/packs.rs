//! The packs of a database: how their objects are numbered, and which of several equal objects counts.

use crate::layers::{Layers, MAX_PACK_OBJECTS};
use crate::{BitSet, Ordinal, Pack};
use packhouse_object::{Error, ObjectFormat, Oid, Result};
use std::sync::{Arc, OnceLock};

/// Packs, newest first.
///
/// What is over the same packs is the same, in all of the process: the newest pack of a list remembers what was made over
/// it. A list that only has more packs in front takes over what is known of the packs behind them.
pub(crate) struct Packs {
    pub(crate) format: ObjectFormat,
    pub(crate) list: Vec<Arc<Pack>>,
    /// The first ordinal of each pack, and after them the number of all.
    pub(crate) starts: Vec<Ordinal>,
    layers: Layers,
    homes: OnceLock<Arc<BitSet>>,
}

impl Packs {
    /// Cost: for each pack that is new in front, about a table entry and two lookups for each of its objects.
    ///
    /// # Errors
    /// `CorruptPack` if a pack is of another object format, `Limit` if the packs hold 2^32 objects or more.
    pub(crate) fn over(list: &[Arc<Pack>], format: ObjectFormat) -> Result<Arc<Self>> {
        if let Some(pack) = list.iter().find(|pack| pack.format() != format) {
            return Err(pack.corrupt(0, &format!("its objects are not named by {}", format.name())));
        }
        let known = (0..list.len()).find_map(|front| Some((front, known_over(&list[front..])?)));
        let (front, behind) = known.unwrap_or_else(|| (list.len(), Arc::new(Self::none(format))));
        let Some(newest) = list.first().filter(|_| front > 0) else { return Ok(behind) };
        let packs = Arc::new(behind.with_packs(&list[..front])?);
        *newest.latest_list().lock() = Arc::downgrade(&packs);
        Ok(packs)
    }

    fn none(format: ObjectFormat) -> Self {
        Self { format, list: Vec::new(), starts: vec![0], layers: Layers::default(), homes: OnceLock::new() }
    }

    /// The same with more packs in front, which come newest first.
    fn with_packs(&self, front: &[Arc<Pack>]) -> Result<Self> {
        let list: Vec<_> = front.iter().chain(&self.list).cloned().collect();
        let mut starts = vec![0];
        let mut total = 0u64;
        for pack in &list {
            total += u64::from(pack.len());
            starts.push(u32::try_from(total).map_err(|_| too_many(total))?);
        }
        let layers = front.iter().rev().fold(self.layers.clone(), |layers, pack| layers.with_pack(pack));
        let packs = Self { format: self.format, list, starts, layers, homes: OnceLock::new() };
        let shift = packs.ordinal_count() - self.ordinal_count();
        if let Some(homes) = self.homes.get().filter(|_| shift <= MAX_PACK_OBJECTS) {
            _ = packs.homes.set(Arc::new(packs.homes_over(self, homes, shift)));
        }
        Ok(packs)
    }

    /// The homes, where those of the packs behind the first `shift` objects are known.
    fn homes_over(&self, behind: &Self, homes: &BitSet, shift: Ordinal) -> BitSet {
        let mut extended = BitSet::new(self.ordinal_count());
        extended.copy_run(shift, homes, 0..homes.len());
        for ordinal in 0..shift {
            let Ok(oid) = self.oid_of(ordinal) else { continue };
            if self.home_of(&oid) == Some(ordinal) {
                extended.insert(ordinal);
            }
            if let Some(home) = behind.home_of(&oid) {
                extended.remove(shift + home);
            }
        }
        extended
    }

    /// One more than the greatest ordinal.
    pub(crate) fn ordinal_count(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Where an ordinal leads: the pack's place in the list, and the position in its idx.
    pub(crate) fn place_of(&self, ordinal: Ordinal) -> (usize, u32) {
        assert!(ordinal < self.ordinal_count(), "ordinal {ordinal} of {}", self.ordinal_count());
        let number = self.starts.partition_point(|&start| start <= ordinal) - 1;
        (number, ordinal - self.starts[number])
    }

    /// The ordinal of an object in the newest pack that has it.
    pub(crate) fn home_of(&self, oid: &Oid) -> Option<Ordinal> {
        self.layers.find(oid)
    }

    /// The homes of all objects. Made once, if it is not known from the packs behind: a lookup for each object of a small
    /// pack, and for a large one a lookup for each object of the packs in front of it.
    pub(crate) fn homes(&self) -> &Arc<BitSet> {
        self.homes.get_or_init(|| {
            let mut homes = BitSet::full(self.ordinal_count());
            for (number, pack) in self.list.iter().enumerate() {
                let start = self.starts[number];
                if pack.len() <= MAX_PACK_OBJECTS {
                    let is_home = |at: &Ordinal| self.oid_of(*at).is_ok_and(|oid| self.home_of(&oid) == Some(*at));
                    let copies = (start..start + pack.len()).filter(|at| !is_home(at));
                    copies.for_each(|at| _ = homes.remove(at));
                    continue;
                }
                for newer in &self.list[..number] {
                    for_each_shared(newer, pack, |position| _ = homes.remove(start + position));
                }
            }
            Arc::new(homes)
        })
    }

    fn oid_of(&self, ordinal: Ordinal) -> Result<Oid> {
        let (number, position) = self.place_of(ordinal);
        Oid::from_bytes(self.list[number].index().oid_at(position))
    }
}

/// What was made last over exactly these packs, if somebody still has it.
fn known_over(list: &[Arc<Pack>]) -> Option<Arc<Packs>> {
    let packs = list.first()?.latest_list().lock().upgrade()?;
    let is_same = packs.list.len() == list.len() && packs.list.iter().zip(list).all(|(a, b)| Arc::ptr_eq(a, b));
    is_same.then_some(packs)
}

/// Visit the positions in `older` of what both packs hold. Cost: the smaller pack's objects times a lookup.
fn for_each_shared(newer: &Pack, older: &Pack, mut visit: impl FnMut(u32)) {
    let (few, many) = if newer.len() < older.len() { (newer, older) } else { (older, newer) };
    for position in 0..few.len() {
        let found = Oid::from_bytes(few.index().oid_at(position)).ok().and_then(|oid| many.index().find(&oid));
        if let Some(other) = found {
            visit(if std::ptr::eq(few, older) { position } else { other });
        }
    }
}

fn too_many(actual: u64) -> Error {
    Error::Limit { what: "objects in all packs", actual, limit: u64::from(u32::MAX) }
}
