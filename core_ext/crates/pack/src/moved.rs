//! The same objects in another database: after a push there is a pack more, after a roll-up there are some fewer.
//!
//! Packs that both databases have, in the same order in both, are *partners*: what is home in one of them is home in the
//! other, but for what one of the remaining packs of the new database holds in front of it. So the bits of partners are
//! copied, and only the objects of packs without a partner are looked up.

use crate::packs::Packs;
use crate::{BitSet, Database, Pack};
use packhouse_object::{CancelFlag, Error, Oid, Result};
use std::collections::HashMap;
use std::sync::Arc;

impl Database {
    /// The homes here of what has its home at `homes` in `from`. Restrictions of either play no part.
    ///
    /// Cost: a pass over the bits, and over the ids of partners that were opened twice; a lookup in both databases for
    /// each object of the other packs.
    ///
    /// # Errors
    /// `Missing` for an object that is not stored here; `Cancelled`.
    ///
    /// # Panics
    /// If `homes` were not made for `from`.
    pub fn homes_moved_from(&self, from: &Self, homes: &BitSet, cancel: &CancelFlag) -> Result<BitSet> {
        assert_eq!(homes.len(), from.ordinal_count(), "bits of another database");
        if self.shares_ordinals(from) {
            return Ok(homes.clone());
        }
        let partners = partners(from.packs(), self.packs());
        let mut moved = BitSet::new(self.ordinal_count());
        let mut is_partner = vec![false; self.packs().len()];
        for (number, &partner) in partners.iter().enumerate() {
            let start = from.first_ordinal(number);
            let run = start..start + from.packs()[number].len();
            if let Some(partner) = partner {
                moved.copy_run(self.first_ordinal(partner), homes, run);
                is_partner[partner] = true;
                continue;
            }
            for ordinal in run.filter(|&ordinal| homes.get(ordinal)) {
                cancel.check()?;
                moved.insert(home_in(self.stored(), &from.oid_of(ordinal))?);
            }
        }
        for number in (0..self.packs().len()).filter(|&number| !is_partner[number]) {
            self.settle(number, from, homes, &partners, &mut moved, cancel)?;
        }
        Ok(moved)
    }

    /// Let objects move out of partners into a pack that has no partner, where that is in front.
    fn settle(
        &self,
        number: usize,
        from: &Self,
        homes: &BitSet,
        partners: &[Option<usize>],
        moved: &mut BitSet,
        cancel: &CancelFlag,
    ) -> Result<()> {
        let start = self.first_ordinal(number);
        for ordinal in start..start + self.packs()[number].len() {
            cancel.check()?;
            let oid = self.oid_of(ordinal);
            let Some(before) = from.stored().home_of(&oid).filter(|&before| homes.get(before)) else { continue };
            let (old_number, position) = from.pack_number(before);
            if let Some(partner) = partners[old_number] {
                moved.remove(self.first_ordinal(partner) + position);
            }
            moved.insert(home_in(self.stored(), &oid)?);
        }
        Ok(())
    }
}

fn home_in(packs: &Packs, oid: &Oid) -> Result<u32> {
    packs.home_of(oid).ok_or(Error::Missing { oid: *oid })
}

/// For each pack of `old` the place of the same one in `new`, if there is one behind the partner before it.
fn partners(old: &[Arc<Pack>], new: &[Arc<Pack>]) -> Vec<Option<usize>> {
    let places: HashMap<&[u8], usize> = new.iter().enumerate().map(|(place, pack)| (pack.trailer(), place)).collect();
    let mut next = 0;
    let mut partner_of = |pack: &Arc<Pack>| {
        let place = *places.get(pack.trailer()).filter(|&&place| place >= next)?;
        // The trailer only says where to look: ordinals are positions among ids, so the ids must be the same.
        let same = Arc::ptr_eq(pack, &new[place]) || pack.index().oids() == new[place].index().oids();
        next = if same { place + 1 } else { next };
        same.then_some(place)
    };
    old.iter().map(&mut partner_of).collect()
}
