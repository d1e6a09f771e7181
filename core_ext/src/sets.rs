//! Object sets for Python, and what all methods over the graph need.

use crate::args::{OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::reading::ObjectDb;
use packhouse_graph as graph;
use packhouse_object::Oid;
use packhouse_pack::{BitSet, Database, Ordinal};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;

/// Raw ids, as Python sees them.
pub type OidList<'py> = Vec<Bound<'py, PyBytes>>;

/// A frozen set of objects of one ObjectDb, or of all over the same `Pack`s: a bit for each object.
#[pyclass(frozen, module = "core_ext")]
pub struct ObjectSet {
    /// The set; cloning it is cheap.
    pub(crate) set: graph::ObjectSet,
}

impl ObjectSet {
    /// The set of these homes of `db`.
    pub(crate) fn of(db: &Database, bits: impl Into<Arc<BitSet>>) -> Self {
        Self { set: graph::ObjectSet::new(db, bits) }
    }

    /// The homes in the set, if it is one of `db`.
    pub(crate) fn bits_for(&self, db: &Database) -> PyResult<&Arc<BitSet>> {
        self.set.check_database(db).map(|()| self.set.bits()).map_err(other_database)
    }
}

#[pymethods]
impl ObjectSet {
    fn __len__(&self) -> usize {
        self.set.len() as usize
    }

    fn __contains__(&self, oid: OidArg) -> bool {
        self.set.contains(&oid.0)
    }

    #[pyo3(signature = (*, offset = 0, limit))]
    fn oids<'py>(&self, py: Python<'py>, offset: usize, limit: usize) -> OidList<'py> {
        oid_list(py, py.detach(|| self.set.oids(offset, limit)))
    }

    fn union(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        py.detach(|| self.set.union(&other.set)).map(|set| Self { set }).map_err(other_database)
    }

    fn minus(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        py.detach(|| self.set.minus(&other.set)).map(|set| Self { set }).map_err(other_database)
    }

    #[pyo3(signature = (db, *, cancel = None))]
    fn moved_to(&self, py: Python<'_>, db: &ObjectDb, cancel: Option<&Cancel>) -> PyResult<Self> {
        let flag = flag_of(cancel);
        detached(py, || self.set.moved_to(&db.database, &flag)).map(|set| Self { set })
    }
}

/// The ids in a list of arguments.
pub fn oids(arguments: Vec<OidArg>) -> Vec<Oid> {
    arguments.into_iter().map(|argument| argument.0).collect()
}

/// The names of objects.
pub fn names(db: &Database, ordinals: impl IntoIterator<Item = Ordinal>) -> Vec<Oid> {
    ordinals.into_iter().map(|ordinal| db.oid_of(ordinal)).collect()
}

/// Ids as a list of bytes.
pub fn oid_list(py: Python<'_>, oids: Vec<Oid>) -> OidList<'_> {
    oids.iter().map(|oid| oid_bytes(py, oid)).collect()
}

/// A set that was given to another database is the caller's mistake.
pub fn other_database(error: graph::OtherDatabase) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ObjectSet>()
}
