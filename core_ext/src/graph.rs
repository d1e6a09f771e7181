//! The object graph for Python: object sets, the graph's methods of `ObjectDb`, and packs being written.

use crate::args::{OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::{detached, to_py};
use crate::reading::ObjectDb;
use packhouse_graph as graph;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::{BitSet, Database, Ordinal};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Arc, Mutex};

type OidList<'py> = Vec<Bound<'py, PyBytes>>;

/// A frozen set of objects of one ObjectDb: a bit for each object.
#[pyclass(frozen, module = "core_ext")]
pub struct ObjectSet {
    set: graph::ObjectSet,
}

impl ObjectSet {
    fn of(db: &Database, bits: impl Into<Arc<BitSet>>) -> Self {
        Self { set: graph::ObjectSet::new(db, bits) }
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
}

#[pymethods]
impl ObjectDb {
    fn restricted(&self, visible: &ObjectSet) -> PyResult<Self> {
        visible.set.check_database(&self.database).map_err(other_database)?;
        Ok(Self { database: self.database.restricted(Arc::clone(visible.set.bits())) })
    }

    fn all_objects(&self, py: Python<'_>) -> ObjectSet {
        py.detach(|| ObjectSet::of(&self.database, self.database.objects()))
    }

    #[pyo3(signature = (tips, *, cancel = None))]
    fn reachable(&self, py: Python<'_>, tips: Vec<OidArg>, cancel: Option<&Cancel>) -> PyResult<ObjectSet> {
        let (tips, flag) = (oids(tips), flag_of(cancel));
        let bits = detached(py, || graph::reachable(&self.database, &tips, &flag))?;
        Ok(ObjectSet::of(&self.database, bits))
    }

    #[pyo3(signature = (wants, haves, *, cancel = None))]
    fn difference(
        &self,
        py: Python<'_>,
        wants: Vec<OidArg>,
        haves: Vec<OidArg>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(ObjectSet, ObjectSet)> {
        let (wants, haves, flag) = (oids(wants), oids(haves), flag_of(cancel));
        let found = detached(py, || graph::difference(&self.database, &wants, &haves, &flag))?;
        Ok((ObjectSet::of(&self.database, found.objects), ObjectSet::of(&self.database, found.client_holds)))
    }

    fn is_ancestor(&self, py: Python<'_>, ancestor: OidArg, descendant: OidArg) -> PyResult<bool> {
        let db = &self.database;
        detached(py, || {
            let (above, below) = (graph::peel_to_commit(db, &ancestor.0)?, graph::peel_to_commit(db, &descendant.0)?);
            graph::is_ancestor(db, above, below, &CancelFlag::new())
        })
    }

    fn merge_bases<'py>(&self, py: Python<'py>, left: OidArg, right: OidArg) -> PyResult<OidList<'py>> {
        let db = &self.database;
        let bases = detached(py, || {
            let (left, right) = (graph::peel_to_commit(db, &left.0)?, graph::peel_to_commit(db, &right.0)?);
            Ok(names(db, &graph::merge_bases(db, left, right, &CancelFlag::new())?))
        })?;
        Ok(oid_list(py, bases))
    }

    fn all_reach(&self, py: Python<'_>, wants: Vec<OidArg>, haves: Vec<OidArg>) -> PyResult<bool> {
        let (wants, haves) = (oids(wants), oids(haves));
        detached(py, || graph::all_reach(&self.database, &wants, &haves, &CancelFlag::new()))
    }

    #[pyo3(signature = (tips, *, cancel = None))]
    fn count_commits(&self, py: Python<'_>, tips: Vec<OidArg>, cancel: Option<&Cancel>) -> PyResult<u64> {
        let (db, tips, flag) = (&self.database, oids(tips), flag_of(cancel));
        detached(py, || graph::count_commits(db, &commits(db, &tips)?, &flag))
    }

    #[pyo3(signature = (tips, hidden, *, limit, skip = 0))]
    fn walk_commits<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        hidden: Vec<OidArg>,
        limit: usize,
        skip: usize,
    ) -> PyResult<OidList<'py>> {
        let (db, page) = (&self.database, skip..skip.saturating_add(limit));
        let (tips, hidden) = (oids(tips), oids(hidden));
        let commits = detached(py, || {
            let (tips, hidden) = (commits(db, &tips)?, commits(db, &hidden)?);
            Ok(names(db, &graph::walk_commits(db, &tips, &hidden, page, &CancelFlag::new())?))
        })?;
        Ok(oid_list(py, commits))
    }

    #[pyo3(signature = (objects, *, client_holds, ofs_delta, level = 6, cancel = None))]
    fn stream_pack(
        &self,
        py: Python<'_>,
        objects: &ObjectSet,
        client_holds: Option<&ObjectSet>,
        ofs_delta: bool,
        level: u32,
        cancel: Option<&Cancel>,
    ) -> PyResult<PackStream> {
        let (holds, flag) = (client_holds.map(|holds| &holds.set), flag_of(cancel));
        let options = graph::PackOptions { ofs_delta, level };
        let stream = py.detach(|| graph::PackStream::new(&self.database, &objects.set, holds, options, flag));
        stream.map(|stream| PackStream { stream: Mutex::new(stream) }).map_err(other_database)
    }
}

/// A pack being written: read it to the end.
#[pyclass(frozen, module = "core_ext")]
pub struct PackStream {
    stream: Mutex<graph::PackStream>,
}

#[pymethods]
impl PackStream {
    #[getter]
    fn object_count(&self, py: Python<'_>) -> PyResult<u32> {
        self.locked(py, |stream| Ok(stream.object_count()))
    }

    #[getter]
    fn reused_count(&self, py: Python<'_>) -> PyResult<u32> {
        self.locked(py, |stream| Ok(stream.reused_count()))
    }

    fn read<'py>(&self, py: Python<'py>, max_bytes: usize) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.locked(py, |stream| stream.read(max_bytes))?;
        Ok(PyBytes::new(py, &bytes))
    }
}

impl PackStream {
    /// Do something with the stream, without the GIL while it waits for another reader or works.
    fn locked<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut graph::PackStream) -> Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| {
            let mut stream = self.stream.lock().map_err(|_| PyRuntimeError::new_err("the pack stream is broken"))?;
            work(&mut stream).map_err(to_py)
        })
    }
}

fn oids(arguments: Vec<OidArg>) -> Vec<Oid> {
    arguments.into_iter().map(|argument| argument.0).collect()
}

fn commits(db: &Database, oids: &[Oid]) -> Result<Vec<Ordinal>> {
    oids.iter().map(|oid| graph::peel_to_commit(db, oid)).collect()
}

fn names(db: &Database, ordinals: &[Ordinal]) -> Vec<Oid> {
    ordinals.iter().map(|&ordinal| db.oid_of(ordinal)).collect()
}

fn oid_list(py: Python<'_>, oids: Vec<Oid>) -> OidList<'_> {
    oids.iter().map(|oid| oid_bytes(py, oid)).collect()
}

fn other_database(error: graph::OtherDatabase) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// Add the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ObjectSet>()?;
    module.add_class::<PackStream>()
}
