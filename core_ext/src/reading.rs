//! Stored packs for Python, and plain lookups of objects in them. The graph's methods of `ObjectDb` are in `graph.rs`.

use crate::args::{Format, Input, OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::{detached, to_py};
use packhouse_ingest::{Options, index_bytes};
use packhouse_object::edges::tag_target;
use packhouse_object::{CancelFlag, Kind, ObjectFormat, Oid};
use packhouse_pack::{Bytes, Database, Limits};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use std::sync::Arc;

/// One stored pack with its index: a frozen handle that may be shared by many databases.
#[pyclass(frozen, module = "core_ext")]
pub struct Pack {
    /// The pack, shared with the databases that have it.
    pub(crate) pack: Arc<packhouse_pack::Pack>,
}

impl From<Arc<packhouse_pack::Pack>> for Pack {
    fn from(pack: Arc<packhouse_pack::Pack>) -> Self {
        Self { pack }
    }
}

#[pymethods]
impl Pack {
    #[staticmethod]
    #[pyo3(signature = (pack_path, idx_path, *, object_format))]
    fn open(py: Python<'_>, pack_path: PathBuf, idx_path: PathBuf, object_format: Format) -> PyResult<Self> {
        let pack = detached(py, || packhouse_pack::Pack::open(&pack_path, &idx_path, object_format.0))?;
        Ok(Arc::new(pack).into())
    }

    #[staticmethod]
    #[pyo3(signature = (pack, idx, *, object_format))]
    fn from_bytes(py: Python<'_>, pack: Input, idx: Option<Input>, object_format: Format) -> PyResult<Self> {
        let opened = detached(py, || {
            let pack = copied(&pack);
            let idx = idx.map_or_else(|| indexed(&pack, object_format.0), |idx| Ok(copied(&idx)))?;
            packhouse_pack::Pack::from_bytes(pack, idx, object_format.0)
        })?;
        Ok(Arc::new(opened).into())
    }

    #[getter]
    fn checksum(&self) -> &[u8] {
        self.pack.trailer()
    }

    #[getter]
    fn object_count(&self) -> u32 {
        self.pack.len()
    }

    #[getter]
    fn size_bytes(&self) -> usize {
        self.pack.bytes().len()
    }

    fn attach_graph(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || self.pack.attach_graph(&path))
    }

    #[getter]
    fn has_graph(&self) -> bool {
        self.pack.graph().is_some()
    }

    fn idx_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.pack.index().bytes())
    }

    fn attach_rev(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || self.pack.attach_rev(&path))
    }

    #[getter]
    fn has_rev(&self) -> bool {
        self.pack.has_rev()
    }

    fn attach_bitmaps(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || self.pack.attach_bitmaps(&path))
    }

    #[getter]
    fn has_bitmaps(&self) -> bool {
        self.pack.bitmaps().is_some()
    }

    fn rev_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &detached(py, || self.pack.rev_bytes())?))
    }
}

fn copied(bytes: &[u8]) -> Bytes {
    Bytes::from(Arc::<[u8]>::from(bytes))
}

/// The idx of a pack that was checked when it came.
fn indexed(pack: &Bytes, format: ObjectFormat) -> packhouse_object::Result<Bytes> {
    index_bytes(pack, &Options::for_stored(format, 1, CancelFlag::new())).map(Bytes::from)
}

/// Objects over a list of packs, newest first; an object's home is the first pack that has it. Frozen, any thread.
#[pyclass(frozen, module = "core_ext")]
pub struct ObjectDb {
    /// The database; cloning it is cheap.
    pub(crate) database: Database,
}

#[pymethods]
impl ObjectDb {
    #[new]
    #[pyo3(signature = (packs, *, object_format, cache_bytes, max_object_bytes, max_delta_depth))]
    fn new(
        packs: Vec<Bound<'_, Pack>>,
        object_format: Format,
        cache_bytes: usize,
        max_object_bytes: u64,
        max_delta_depth: u32,
    ) -> PyResult<Self> {
        let packs = packs.iter().map(|pack| Arc::clone(&pack.get().pack)).collect();
        let limits = Limits { max_object_bytes, max_delta_depth };
        Database::new(packs, object_format.0, limits, cache_bytes).map(|database| Self { database }).map_err(to_py)
    }

    fn with_pack(&self, pack: &Pack) -> PyResult<Self> {
        self.database.with_pack(Arc::clone(&pack.pack)).map(|database| Self { database }).map_err(to_py)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.database.objects().count() as usize)
    }

    fn contains(&self, py: Python<'_>, oid: OidArg) -> bool {
        py.detach(|| self.database.locate(&oid.0).is_some())
    }

    fn known<'py>(&self, py: Python<'py>, oids: Vec<Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let asked = oids.iter().map(|oid| oid.extract::<OidArg>()).collect::<PyResult<Vec<_>>>()?;
        let is_known: Vec<_> = py.detach(|| asked.iter().map(|oid| self.database.locate(&oid.0).is_some()).collect());
        Ok(oids.into_iter().zip(is_known).filter_map(|(oid, is_known)| is_known.then_some(oid)).collect())
    }

    fn header(&self, py: Python<'_>, oid: OidArg) -> PyResult<Option<(&'static str, u64)>> {
        let header = detached(py, || self.header_of(&oid.0))?;
        Ok(header.map(|(kind, size_bytes)| (kind.name(), size_bytes)))
    }

    fn read<'py>(&self, py: Python<'py>, oid: OidArg) -> PyResult<(&'static str, Bound<'py, PyBytes>)> {
        let (kind, content) = detached(py, || self.database.read(self.database.require(&oid.0)?, u64::MAX))?;
        Ok((kind.name(), PyBytes::new(py, &content)))
    }

    fn peel<'py>(&self, py: Python<'py>, oid: OidArg) -> PyResult<(&'static str, Bound<'py, PyBytes>)> {
        let (kind, peeled) = detached(py, || self.peeled(oid.0))?;
        Ok((kind.name(), oid_bytes(py, &peeled)))
    }

    #[pyo3(signature = (*, cancel = None))]
    fn verify(&self, py: Python<'_>, cancel: Option<&Cancel>) -> PyResult<u64> {
        let flag = flag_of(cancel);
        detached(py, || self.database.verify(&flag))
    }
}

impl ObjectDb {
    fn header_of(&self, oid: &Oid) -> packhouse_object::Result<Option<(Kind, u64)>> {
        let Some(ordinal) = self.database.locate(oid) else { return Ok(None) };
        Ok(Some((self.database.kind_of(ordinal)?, self.database.size_of(ordinal)?)))
    }

    fn peeled(&self, mut oid: Oid) -> packhouse_object::Result<(Kind, Oid)> {
        loop {
            let ordinal = self.database.require(&oid)?;
            match self.database.kind_of(ordinal)? {
                Kind::Tag => {
                    let (_, content) = self.database.read(ordinal, u64::MAX)?;
                    (oid, _) = tag_target(self.database.format(), &content)?;
                }
                kind => return Ok((kind, oid)),
            }
        }
    }
}

/// Add the classes to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Pack>()?;
    module.add_class::<ObjectDb>()
}
