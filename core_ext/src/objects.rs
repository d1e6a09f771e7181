//! Objects for Python: names, zlib, deltas, parsed commits, trees and tags, and object checks.

use crate::args::{Format, Input, KindName, oid_bytes};
use crate::errors::detached;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

#[pyfunction]
#[pyo3(signature = (kind, content, *, object_format))]
fn hash_object<'py>(
    py: Python<'py>,
    kind: KindName,
    content: Input,
    object_format: Format,
) -> PyResult<Bound<'py, PyBytes>> {
    let oid = detached(py, || packhouse_object::hash_object(object_format.0, kind.0, &content))?;
    Ok(oid_bytes(py, &oid))
}

/// Add the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(hash_object, module)?)
}
