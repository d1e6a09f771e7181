//! A checked, self-contained, indexed pack in quarantine, and what it says about the object graph.
//!
//! Law 1 keeps stored packs closed, so presence implies closure, and two questions that look like walks are none:
//!
//! - *Is everything there that the new objects need?* An object that was stored before has its closure. So only the edges
//!   of the new objects count, all of them: each target must be new itself, or known. [`IngestedPack::missing_edges`].
//! - *Is every new object reachable from the tips?* Objects are named by a hash of what they refer to, so the graph has no
//!   cycle. Take a new object that no tip reaches, and go to one that refers to it, again and again: that never comes back
//!   and ends, in a new object that is no tip and that nobody refers to. If there is none of those, all are reachable.
//!   [`IngestedPack::unreferenced`]. (What refers to a new object must be new: what is stored refers to stored objects.)
//!
//! The bases of thin deltas were stored before; they are in the pack and are none of its *own* objects.

use crate::checks::Warning;
use crate::edge_table::EdgeTable;
use crate::options::Options;
use crate::quarantined::QuarantinedPack;
use crate::table::Kinds;
use packhouse_object::{Error, Kind, ObjectSource, Oid, Result};
use packhouse_pack::Pack;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A pack that was received, and what was found out about it.
///
/// Memory: a byte an object, and the table of its edges.
pub struct IngestedPack {
    pub(crate) options: Options,
    pub(crate) stored: QuarantinedPack,
    pub(crate) facts: Facts,
}

/// What was found out about a pack.
pub(crate) struct Facts {
    pub thin_base_count: u32,
    pub kinds: Kinds,
    pub edges: EdgeTable,
    pub warnings: Vec<Warning>,
}

impl IngestedPack {
    /// The pack itself.
    #[must_use]
    pub const fn stored(&self) -> &QuarantinedPack {
        &self.stored
    }

    /// Entries that were added as bases of thin deltas.
    #[must_use]
    pub const fn thin_base_count(&self) -> u32 {
        self.facts.thin_base_count
    }

    /// Findings of the object checks that refuse nothing, at most 100, sorted.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.facts.warnings
    }

    pub(crate) const fn pack(&self) -> &Arc<Pack> {
        self.stored.pack()
    }

    /// The edges of the pack's own objects whose target neither the pack nor `known` holds with the right kind: the least
    /// `limit` of them, sorted.
    ///
    /// # Errors
    /// Those of `known`; `Cancelled`.
    pub fn missing_edges(&self, known: &dyn ObjectSource, limit: usize) -> Result<Vec<(Oid, Kind)>> {
        let mut least = BinaryHeap::new();
        self.facts.edges.try_for_each(|target, kind| {
            if !self.has(&target, kind, known)? {
                least.push((target, kind));
                if least.len() > limit {
                    least.pop();
                }
            }
            Ok(())
        })?;
        Ok(least.into_sorted_vec())
    }

    /// How many own objects are new, no tip, and not referred to by another own object.
    ///
    /// # Errors
    /// Those of `known`; `Cancelled`.
    pub fn unreferenced(&self, tips: &[Oid], known: &dyn ObjectSource) -> Result<u32> {
        let tips: hashbrown::HashSet<&[u8]> = tips.iter().map(Oid::as_bytes).collect();
        let mut count = 0;
        for position in (0..self.pack().len()).filter(|&position| self.facts.kinds.is_own(position)) {
            let raw = self.pack().index().oid_at(position);
            if !self.facts.edges.has_target(raw)
                && !tips.contains(raw)
                && known.kind_of(&Oid::from_bytes(raw)?)?.is_none()
            {
                count += 1;
            }
        }
        Ok(count)
    }

    /// Whether an object of this kind is in the pack or known.
    pub(crate) fn has(&self, oid: &Oid, kind: Kind, known: &dyn ObjectSource) -> Result<bool> {
        self.options.cancel.check()?;
        let found = match self.pack().index().find(oid) {
            Some(position) => self.facts.kinds.kind(position),
            None => known.kind_of(oid)?,
        };
        Ok(found == Some(kind))
    }
}

/// Refuse a pack that names an object which is known to be of another kind.
///
/// Git compares the bytes of every object it receives with those it has. The kind is part of what is hashed, so even this
/// can only be seen in a collision that the detection in the hash let pass; comparing bytes would cost a read of every known
/// object, and what is known stays as it is: a copy in a newer pack never changes what an id meant.
pub(crate) fn check_against_known(pack: &Pack, kinds: &Kinds, known: &dyn ObjectSource) -> Result<()> {
    for position in 0..pack.len() {
        let oid = Oid::from_bytes(pack.index().oid_at(position))?;
        if let Some(kind) = known.kind_of(&oid)?
            && kinds.kind(position) != Some(kind)
        {
            return Err(Error::Collision { oid });
        }
    }
    Ok(())
}
