//! Receiving packs, from Python: incremental ingest, the checked pack it gives, and small packs built from objects.

use crate::args::{Format, Input, KindName, OidArg, Severities, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::{detached, to_py};
use crate::reading::{ObjectDb, Pack};
use packhouse_ingest::{Ingest, Options, Progress, QuarantinedPack};
use packhouse_object::source::NoObjects;
use packhouse_object::{ObjectSource, Oid};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Turn a received pack into a stored one: parse and hash as bytes arrive, then resolve, check and index.
#[pyclass(frozen, module = "core_ext")]
pub struct PackIngest {
    /// `None` once it was finished, or failed: its files are gone then.
    ingest: Mutex<Option<Ingest>>,
    progress: Arc<Progress>,
}

#[pymethods]
impl PackIngest {
    #[new]
    #[pyo3(signature = (
        path, *, object_format, spill_bytes, max_pack_bytes, max_objects, max_object_bytes, max_resident_object_bytes,
        max_inflated_bytes, max_delta_depth, base_cache_bytes, threads, severities = None, cancel = None
    ))]
    #[allow(clippy::too_many_arguments)] // every limit is an argument (style, 10); Python names them
    fn new(
        path: PathBuf,
        object_format: Format,
        spill_bytes: u64,
        max_pack_bytes: u64,
        max_objects: u32,
        max_object_bytes: u64,
        max_resident_object_bytes: u64,
        max_inflated_bytes: u64,
        max_delta_depth: u32,
        base_cache_bytes: u64,
        threads: usize,
        severities: Option<Severities>,
        cancel: Option<&Cancel>,
    ) -> Self {
        let options = Options {
            format: object_format.0,
            spill_bytes,
            max_pack_bytes,
            max_objects,
            max_object_bytes,
            max_resident_object_bytes,
            max_inflated_bytes,
            max_delta_depth,
            base_cache_bytes,
            threads,
            policy: Arc::new(severities.unwrap_or_default().0),
            cancel: flag_of(cancel),
        };
        let ingest = Ingest::new(&path, options);
        Self { progress: ingest.progress(), ingest: Mutex::new(Some(ingest)) }
    }

    fn feed(&self, py: Python<'_>, chunk: Input) -> PyResult<usize> {
        py.detach(|| {
            let mut slot = self.lock();
            let fed = slot.as_mut().ok_or_else(ended)?.feed(&chunk);
            fed.map_err(|error| {
                *slot = None;
                to_py(error)
            })
        })
    }

    fn progress(&self) -> (u64, u64, u64, u64, u64) {
        self.progress.snapshot()
    }

    fn finish(&self, py: Python<'_>, known: Option<&ObjectDb>) -> PyResult<IngestedPack> {
        py.detach(|| {
            let ingest = self.lock().take().ok_or_else(ended)?;
            ingest.finish(source_of(known)).map(IngestedPack::from).map_err(to_py)
        })
    }
}

impl PackIngest {
    fn lock(&self) -> MutexGuard<'_, Option<Ingest>> {
        self.ingest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended() -> PyErr {
    PyValueError::new_err("this ingest was finished, or failed")
}

fn source_of(known: Option<&ObjectDb>) -> &dyn ObjectSource {
    known.map_or(&NoObjects, |known| &known.database)
}

/// A checked, self-contained, indexed pack in quarantine. Its files go when it is dropped, unless `release`d.
#[pyclass(frozen, module = "core_ext")]
pub struct IngestedPack {
    pack: Origin,
}

/// Where a pack in quarantine comes from.
enum Origin {
    /// It was received.
    Received(Box<packhouse_ingest::IngestedPack>),
    /// It was written, from objects that were stored.
    Written(QuarantinedPack),
}

impl From<packhouse_ingest::IngestedPack> for IngestedPack {
    fn from(pack: packhouse_ingest::IngestedPack) -> Self {
        Self { pack: Origin::Received(Box::new(pack)) }
    }
}

impl From<QuarantinedPack> for IngestedPack {
    fn from(pack: QuarantinedPack) -> Self {
        Self { pack: Origin::Written(pack) }
    }
}

impl IngestedPack {
    fn stored(&self) -> &QuarantinedPack {
        match &self.pack {
            Origin::Received(pack) => pack.stored(),
            Origin::Written(pack) => pack,
        }
    }

    /// What was found out while it was received.
    fn received(&self) -> PyResult<&packhouse_ingest::IngestedPack> {
        match &self.pack {
            Origin::Received(pack) => Ok(pack),
            Origin::Written(_) => Err(PyValueError::new_err("the edges of a pack that was not received are not known")),
        }
    }
}

type Edge<'py> = (Bound<'py, PyBytes>, &'static str);

#[pymethods]
impl IngestedPack {
    #[getter]
    fn digest(&self) -> &[u8] {
        self.stored().digest().as_bytes()
    }

    #[getter]
    fn checksum(&self) -> &[u8] {
        self.stored().pack().trailer()
    }

    #[getter]
    fn size_bytes(&self) -> usize {
        self.stored().pack().bytes().len()
    }

    #[getter]
    fn object_count(&self) -> u32 {
        self.stored().pack().len()
    }

    #[getter]
    fn thin_base_count(&self) -> u32 {
        self.received().map_or(0, packhouse_ingest::IngestedPack::thin_base_count)
    }

    #[getter]
    fn warnings<'py>(&self, py: Python<'py>) -> Vec<(Bound<'py, PyBytes>, &'static str, &str)> {
        let warnings = self.received().map_or(&[][..], packhouse_ingest::IngestedPack::warnings);
        warnings.iter().map(|(oid, id, sentence)| (oid_bytes(py, oid), *id, sentence.as_str())).collect()
    }

    #[getter]
    fn pack_path(&self) -> Option<String> {
        self.stored().pack_path().map(|path| path.display().to_string())
    }

    #[getter]
    fn idx_path(&self) -> Option<String> {
        self.stored().idx_path().map(|path| path.display().to_string())
    }

    fn pack_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.stored().pack().bytes())
    }

    fn idx_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.stored().pack().index().bytes())
    }

    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.stored().sync())
    }

    fn release(&self) {
        self.stored().release();
    }

    fn pack(&self) -> Pack {
        Pack::from(Arc::clone(self.stored().pack()))
    }

    #[pyo3(signature = (known, *, limit))]
    fn missing_edges<'py>(&self, py: Python<'py>, known: Option<&ObjectDb>, limit: usize) -> PyResult<Vec<Edge<'py>>> {
        let received = self.received()?;
        let edges = detached(py, || received.missing_edges(source_of(known), limit))?;
        Ok(edges.iter().map(|(oid, kind)| (oid_bytes(py, oid), kind.name())).collect())
    }

    fn unreferenced(&self, py: Python<'_>, tips: Vec<OidArg>, known: Option<&ObjectDb>) -> PyResult<u32> {
        let tips = oids_of(&tips);
        let received = self.received()?;
        detached(py, || received.unreferenced(&tips, source_of(known)))
    }

    fn without_broken(
        &self,
        py: Python<'_>,
        path: PathBuf,
        tips: Vec<OidArg>,
        known: Option<&ObjectDb>,
    ) -> PyResult<Self> {
        let tips = oids_of(&tips);
        let received = self.received()?;
        detached(py, || received.without_broken(&path, &tips, source_of(known))).map(Self::from)
    }
}

fn oids_of(arguments: &[OidArg]) -> Vec<Oid> {
    arguments.iter().map(|argument| argument.0).collect()
}

/// Build a small pack from whole objects: commits made by REST, loose objects of an import.
#[pyclass(frozen, module = "core_ext")]
pub struct PackBuilder {
    builder: Mutex<packhouse_ingest::PackBuilder>,
}

#[pymethods]
impl PackBuilder {
    #[new]
    #[pyo3(signature = (*, object_format, level = 6))]
    fn new(object_format: Format, level: u32) -> Self {
        Self { builder: Mutex::new(packhouse_ingest::PackBuilder::new(object_format.0, level)) }
    }

    fn add<'py>(&self, py: Python<'py>, kind: KindName, content: Input) -> PyResult<Bound<'py, PyBytes>> {
        let oid = detached(py, || self.lock().add(kind.0, &content))?;
        Ok(oid_bytes(py, &oid))
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().len() as usize)
    }

    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pack = detached(py, || self.lock().finish())?;
        Ok(PyBytes::new(py, &pack))
    }
}

impl PackBuilder {
    fn lock(&self) -> MutexGuard<'_, packhouse_ingest::PackBuilder> {
        self.builder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Indexed<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>, u32);

#[pyfunction]
#[pyo3(signature = (
    pack_path, idx_path, *, object_format, threads, base_cache_bytes, max_resident_object_bytes, cancel = None
))]
#[allow(clippy::too_many_arguments)] // as above
fn index_pack<'py>(
    py: Python<'py>,
    pack_path: PathBuf,
    idx_path: PathBuf,
    object_format: Format,
    threads: usize,
    base_cache_bytes: u64,
    max_resident_object_bytes: u64,
    cancel: Option<&Cancel>,
) -> PyResult<Indexed<'py>> {
    let stored = Options::for_stored(object_format.0, threads, flag_of(cancel));
    let options = Options { base_cache_bytes, max_resident_object_bytes, ..stored };
    let pack = detached(py, || packhouse_ingest::index_pack(&pack_path, &idx_path, &options))?;
    Ok((oid_bytes(py, &pack.digest), PyBytes::new(py, &pack.trailer), pack.object_count))
}

/// Add the classes and the function to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PackIngest>()?;
    module.add_class::<IngestedPack>()?;
    module.add_class::<PackBuilder>()?;
    module.add_function(wrap_pyfunction!(index_pack, module)?)
}
