//! Which stored deltas can be sent.
//!
//! A stored delta is usable if its base is in the answer, or held by the client. Objects are sent from their homes, so the
//! base that the delta will have at the client is the base's *home* copy, which may lie in another pack and be itself a delta
//! there. **No cycle can arise:** an object's home is the first pack that has it; the delta at home in pack `i` has its
//! base in pack `i`, too, so the base's home is `i` or an earlier one. Along a chain the pack number never rises; within one
//! pack a chain is one of that pack, which was resolved when it arrived. It follows, too, that a base in another pack
//! has been written already, because packs are written in order.
//!
//! Chains can become long, however, when they go through several packs: see `depths.rs`.

use packhouse_object::{CancelFlag, Result};
use packhouse_pack::{BitSet, Database, Ordinal};
use std::sync::Arc;

/// What is to be sent, and what the receiver is known to have and to understand.
pub(crate) struct Answer {
    pub(crate) db: Database,
    pub(crate) objects: Arc<BitSet>,
    pub(crate) client_holds: Option<Arc<BitSet>>,
    pub(crate) ofs_delta: bool,
    /// The most deltas of a chain that goes through several packs.
    pub(crate) max_chain_depth: u16,
    pub(crate) cancel: CancelFlag,
}

/// How an object's stored form can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// It is stored whole.
    Whole,
    /// A delta against this object of the answer, named by its home.
    Delta(Ordinal),
    /// A delta against this object, which the client has.
    Thin(Ordinal),
    /// A delta against an object that the client will not have.
    Unusable,
}

impl Answer {
    /// The form of an object of the answer. It depends on nothing but the answer, not on the order of writing.
    pub(crate) fn form_of(&self, ordinal: Ordinal) -> Result<Form> {
        Ok(self.form_over(self.db.base_of(ordinal)?))
    }

    /// The form of an object that is stored as a delta against `base`, or whole.
    pub(crate) fn form_over(&self, base: Option<Ordinal>) -> Form {
        let Some(base) = base else { return Form::Whole };
        self.form_over_home(base).unwrap_or_else(|| {
            let home = self.db.locate(&self.db.oid_of(base));
            home.and_then(|home| self.form_over_home(home)).unwrap_or(Form::Unusable)
        })
    }

    fn form_over_home(&self, base: Ordinal) -> Option<Form> {
        if self.objects.get(base) {
            return Some(Form::Delta(base));
        }
        let held = self.client_holds.as_ref().is_some_and(|holds| holds.get(base));
        held.then_some(Form::Thin(base))
    }

    /// How many objects each pack is to give.
    pub(crate) fn objects_by_pack(&self) -> Vec<u32> {
        let packs = self.db.packs().iter().enumerate();
        packs
            .map(|(number, pack)| {
                let first = self.db.first_ordinal(number);
                self.objects.count_run(first..first + pack.len())
            })
            .collect()
    }
}
