//! The parents of a commit, mostly without memory of their own.

use packhouse_pack::Ordinal;
use std::ops::Deref;
use std::sync::Arc;

/// How many parents all but octopus merges have.
const FEW: usize = 2;

/// Homes, in the commit's order.
#[derive(Clone)]
pub(crate) enum Parents {
    Few([Ordinal; FEW], u8),
    Many(Arc<Vec<Ordinal>>),
}

impl Default for Parents {
    fn default() -> Self {
        Self::Few([0; FEW], 0)
    }
}

impl Parents {
    pub(crate) fn push(&mut self, parent: Ordinal) {
        match self {
            Self::Few(few, len) if usize::from(*len) < FEW => {
                few[usize::from(*len)] = parent;
                *len += 1;
            }
            Self::Few(few, _) => *self = Self::Many(Arc::new([&few[..], &[parent]].concat())),
            Self::Many(many) => Arc::make_mut(many).push(parent),
        }
    }
}

impl FromIterator<Ordinal> for Parents {
    fn from_iter<I: IntoIterator<Item = Ordinal>>(ordinals: I) -> Self {
        let mut parents = Self::default();
        ordinals.into_iter().for_each(|ordinal| parents.push(ordinal));
        parents
    }
}

impl Deref for Parents {
    type Target = [Ordinal];

    fn deref(&self) -> &[Ordinal] {
        match self {
            Self::Few(few, len) => &few[..usize::from(*len)],
            Self::Many(many) => many,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_keep_their_order_however_many_they_are() {
        for count in 0..9 {
            let parents: Parents = (0..count).map(|number| number * 7).collect();
            assert_eq!(*parents, (0..count).map(|number| number * 7).collect::<Vec<_>>());
        }
    }
}
