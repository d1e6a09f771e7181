//! Differences between trees and between blobs, for Python: methods of `ObjectDb`.

use crate::args::{OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::reading::ObjectDb;
use packhouse_browse::{self as browse, DiffOptions, FileChange, Hunk, LineKind, LineOptions};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

type PyChange<'py> = (
    &'static str,
    Bound<'py, PyBytes>,
    Option<Bound<'py, PyBytes>>,
    u32,
    u32,
    Option<Bound<'py, PyBytes>>,
    Option<Bound<'py, PyBytes>>,
);
type PyLine<'py> = (&'static str, Bound<'py, PyBytes>);
type PyHunk<'py> = (u32, u32, u32, u32, Vec<PyLine<'py>>);

#[pymethods]
impl ObjectDb {
    #[pyo3(signature = (old, new, *, renames, limit, max_memory_bytes = 1 << 28, max_similarity_bytes = 1 << 26, cancel = None))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn diff_trees<'py>(
        &self,
        py: Python<'py>,
        old: Option<OidArg>,
        new: Option<OidArg>,
        renames: bool,
        limit: usize,
        max_memory_bytes: u64,
        max_similarity_bytes: u64,
        cancel: Option<&Cancel>,
    ) -> PyResult<Vec<PyChange<'py>>> {
        let options = DiffOptions { renames, limit, max_memory_bytes, max_similarity_bytes };
        let (old, new, flag) = (old.map(|oid| oid.0), new.map(|oid| oid.0), flag_of(cancel));
        let changes = detached(py, || browse::diff_trees(&self.database, old.as_ref(), new.as_ref(), &options, &flag))?;
        Ok(changes.iter().map(|change| py_change(py, change)).collect())
    }

    #[pyo3(signature = (old, new, *, context, max_bytes, max_lines, cancel = None))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn diff_blobs(
        &self,
        py: Python<'_>,
        old: Option<OidArg>,
        new: Option<OidArg>,
        context: u32,
        max_bytes: u64,
        max_lines: usize,
        cancel: Option<&Cancel>,
    ) -> PyResult<BlobDiff> {
        let options = LineOptions { context, max_bytes, max_lines };
        let (old, new, flag) = (old.map(|oid| oid.0), new.map(|oid| oid.0), flag_of(cancel));
        let diff = detached(py, || browse::diff_blobs(&self.database, old.as_ref(), new.as_ref(), &options, &flag))?;
        let hunks = PyList::new(py, diff.hunks.iter().map(|hunk| py_hunk(py, hunk)))?.unbind();
        Ok(BlobDiff {
            additions: diff.additions,
            deletions: diff.deletions,
            is_binary: diff.is_binary,
            truncated: diff.is_truncated,
            hunks,
        })
    }
}

/// How two blobs differ.
#[pyclass(frozen, get_all, module = "core_ext")]
pub struct BlobDiff {
    additions: u32,
    deletions: u32,
    is_binary: bool,
    truncated: bool,
    hunks: Py<PyList>,
}

fn py_change<'py>(py: Python<'py>, change: &FileChange) -> PyChange<'py> {
    let status = match (&change.old, &change.new, &change.old_path) {
        (None, _, _) => "added",
        (_, None, _) => "deleted",
        (_, _, Some(_)) => "renamed",
        (_, _, None) => "modified",
    };
    let mode = |side: Option<(u32, _)>| side.map_or(0, |(mode, _)| mode);
    let oid = |side: Option<(_, packhouse_object::Oid)>| side.map(|(_, oid)| oid_bytes(py, &oid));
    let old_path = change.old_path.as_ref().map(|path| PyBytes::new(py, path));
    let (path, old, new) = (PyBytes::new(py, &change.path), change.old, change.new);
    (status, path, old_path, mode(old), mode(new), oid(old), oid(new))
}

fn py_hunk<'py>(py: Python<'py>, hunk: &Hunk) -> PyHunk<'py> {
    let name = |kind| match kind {
        LineKind::Context => "ctx",
        LineKind::Added => "add",
        LineKind::Deleted => "del",
    };
    let lines = hunk.lines.iter().map(|(kind, text)| (name(*kind), PyBytes::new(py, text))).collect();
    (hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines, lines)
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<BlobDiff>()
}
