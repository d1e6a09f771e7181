//! The Python handle on a cancellation flag.

use packhouse_object::CancelFlag;
use pyo3::prelude::*;

/// A flag that stops long work in another thread at its next look, within some milliseconds.
#[pyclass(frozen, module = "core_ext")]
pub struct Cancel {
    flag: CancelFlag,
}

impl Cancel {
    /// The flag itself, for work that outlives the call.
    pub fn flag(&self) -> CancelFlag {
        self.flag.clone()
    }
}

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Self { flag: CancelFlag::new() }
    }

    fn set(&self) {
        self.flag.set();
    }

    fn is_set(&self) -> bool {
        self.flag.is_set()
    }
}

/// The flag of an optional `cancel` argument; without one, a flag that nobody sets.
pub fn flag_of(cancel: Option<&Cancel>) -> CancelFlag {
    cancel.map_or_else(CancelFlag::new, Cancel::flag)
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Cancel>()
}
