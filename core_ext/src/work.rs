//! The Python handle on a count of work done.

use packhouse_object::WorkCount as Counts;
use pyo3::prelude::*;

/// How far long work in another thread has come.
#[pyclass(frozen, module = "core_ext")]
pub struct WorkCount {
    counts: Counts,
}

#[pymethods]
impl WorkCount {
    #[new]
    fn new() -> Self {
        Self { counts: Counts::new() }
    }

    #[getter]
    fn done(&self) -> u64 {
        self.counts.done()
    }

    #[getter]
    fn total(&self) -> u64 {
        self.counts.total()
    }
}

/// The counts of an optional `work` argument; without one, counts that nobody looks at.
pub fn counts_of(work: Option<&WorkCount>) -> Counts {
    work.map_or_else(Counts::new, |work| work.counts.clone())
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<WorkCount>()
}
