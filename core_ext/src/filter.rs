//! The terms of a partial clone's filter, for Python.

use crate::args::{Input, KindName};
use packhouse_graph::{Filter, PatternLimits, SparsePatterns};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::Arc;

/// One term of a partial clone's filter. Frozen.
#[pyclass(frozen, module = "core_ext")]
pub struct ObjectFilter {
    /// The term; cloning it is cheap.
    pub(crate) filter: Filter,
}

#[pymethods]
impl ObjectFilter {
    #[staticmethod]
    const fn blob_none() -> Self {
        Self { filter: Filter::BlobNone }
    }

    #[staticmethod]
    const fn blob_limit(limit_bytes: u64) -> Self {
        Self { filter: Filter::BlobLimit(limit_bytes) }
    }

    #[staticmethod]
    const fn tree_depth(depth: u32) -> Self {
        Self { filter: Filter::TreeDepth(depth) }
    }

    #[staticmethod]
    fn object_type(kind: KindName) -> Self {
        Self { filter: Filter::ObjectType(kind.0) }
    }

    #[staticmethod]
    #[pyo3(signature = (patterns, *, max_bytes = 65536, max_patterns = 1000))]
    fn sparse(py: Python<'_>, patterns: Input, max_bytes: usize, max_patterns: usize) -> PyResult<Self> {
        let parsed = py.detach(|| SparsePatterns::parse(&patterns, PatternLimits { max_bytes, max_patterns }));
        let patterns = parsed.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self { filter: Filter::Sparse(Arc::new(patterns)) })
    }
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ObjectFilter>()
}
