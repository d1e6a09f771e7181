//! Packs being written, for Python.

use crate::cancel::{Cancel, flag_of};
use crate::errors::to_py;
use crate::reading::ObjectDb;
use crate::sets::{ObjectSet, other_database};
use packhouse_graph as graph;
use packhouse_object::Result;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Mutex;

#[pymethods]
impl ObjectDb {
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

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PackStream>()
}
