//! Merges for Python: a method of `ObjectDb`.

use crate::args::{Input, OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::reading::ObjectDb;
use packhouse_gix::ReadLimits;
use packhouse_merge as merge;
use packhouse_object::Result;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Bytes<'py> = Bound<'py, PyBytes>;

/// What a merge came to.
#[pyclass(frozen, module = "core_ext")]
pub struct MergeResult {
    outcome: merge::Outcome,
}

#[pymethods]
impl MergeResult {
    #[getter]
    fn tree<'py>(&self, py: Python<'py>) -> Option<Bytes<'py>> {
        self.outcome.tree.as_ref().map(|tree| oid_bytes(py, tree))
    }

    #[getter]
    fn conflicts<'py>(&self, py: Python<'py>) -> Vec<(Bytes<'py>, &'static str)> {
        self.outcome.conflicts.iter().map(|(path, kind)| (PyBytes::new(py, path), *kind)).collect()
    }

    #[getter]
    fn objects<'py>(&self, py: Python<'py>) -> Vec<(&'static str, Bytes<'py>)> {
        self.outcome.objects.iter().map(|new| (new.kind.name(), PyBytes::new(py, &new.content))).collect()
    }

    #[getter]
    fn bases<'py>(&self, py: Python<'py>) -> Vec<Bytes<'py>> {
        self.outcome.bases.iter().map(|base| oid_bytes(py, base)).collect()
    }

    #[getter]
    fn read_count(&self) -> u64 {
        self.outcome.read_count
    }
}

#[pymethods]
impl ObjectDb {
    #[pyo3(signature = (
        ours,
        theirs,
        *,
        ours_label,
        theirs_label,
        max_memory_bytes,
        max_text_bytes,
        max_read_bytes,
        rename_limit = 7000,
        allow_unrelated = false,
        cancel = None
    ))]
    #[allow(clippy::too_many_arguments)] // each is a limit or a choice of its own
    fn merge(
        &self,
        py: Python<'_>,
        ours: OidArg,
        theirs: OidArg,
        ours_label: Input,
        theirs_label: Input,
        max_memory_bytes: u64,
        max_text_bytes: u64,
        max_read_bytes: u64,
        rename_limit: u64,
        allow_unrelated: bool,
        cancel: Option<&Cancel>,
    ) -> PyResult<MergeResult> {
        let (db, flag) = (&self.database, flag_of(cancel));
        let max_object_bytes = db.limits().max_object_bytes.min(max_text_bytes);
        let options = merge::Options {
            our_name: ours_label.to_vec(),
            their_name: theirs_label.to_vec(),
            limits: ReadLimits { max_object_bytes, max_read_bytes, max_new_bytes: max_memory_bytes / 2 },
            max_path_memory_bytes: max_memory_bytes / 2,
            max_text_bytes,
            rename_limit,
            allow_unrelated,
        };
        let outcome = detached(py, || walled(|| merge::merge(db, &ours.0, &theirs.0, &options, &flag)))?;
        Ok(MergeResult { outcome })
    }
}

/// The last wall: should a merge panic after all, one request fails, and not the process. Nothing outlives the merge.
fn walled(work: impl FnOnce() -> Result<merge::Outcome>) -> Result<merge::Outcome> {
    let defect = |_| Err(std::io::Error::other("a defect: the merge panicked").into());
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(defect)
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MergeResult>()
}
