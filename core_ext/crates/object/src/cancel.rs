//! A flag that stops long work.

use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag shared by those who work and those who may stop them. Clones share it; once set it stays set.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// A flag that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ask all who look at this flag to stop.
    pub fn set(&self) {
        // Relaxed: the flag orders nothing else, it only has to be seen soon.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has been set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Look at the flag; cheap enough for every object.
    ///
    /// # Errors
    /// `Cancelled` once the flag is set.
    pub fn check(&self) -> Result<()> {
        if self.is_set() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_flag_stops_all_its_clones() {
        let flag = CancelFlag::new();
        let clone = flag.clone();
        assert!(clone.check().is_ok());
        flag.set();
        assert!(matches!(clone.check(), Err(Error::Cancelled)));
    }
}
