//! Packs being written, for Python.

use crate::cancel::{Cancel, flag_of};
use crate::errors::to_py;
use crate::ingest::IngestedPack;
use crate::reading::ObjectDb;
use crate::sets::{ObjectSet, other_database};
use crate::work::{WorkCount, counts_of};
use packhouse_graph::{self as graph, PACKET_HEAD_BYTES, Part, Portion, write_packet_head};
use packhouse_maintain::{PackTarget, write_pack};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};
use std::ffi::c_int;
use std::path::PathBuf;
use std::sync::Mutex;

/// The largest pkt-line.
const MAX_PACKET_BYTES: usize = 65520;

#[pymethods]
impl ObjectDb {
    #[pyo3(signature = (objects, *, client_holds, ofs_delta, level = 6, threads = 1, cancel = None))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn stream_pack(
        &self,
        py: Python<'_>,
        objects: &ObjectSet,
        client_holds: Option<&ObjectSet>,
        ofs_delta: bool,
        level: u32,
        threads: usize,
        cancel: Option<&Cancel>,
    ) -> PyResult<PackStream> {
        let (holds, flag) = (client_holds.map(|holds| &holds.set), flag_of(cancel));
        let options = graph::PackOptions { ofs_delta, level, threads };
        let stream = py.detach(|| graph::PackStream::new(&self.database, &objects.set, holds, options, flag));
        stream.map(|stream| PackStream { stream: Mutex::new(stream) }).map_err(other_database)
    }

    #[pyo3(signature = (objects, path, *, level = 6, threads = 1, spill_bytes = 0, cancel = None, work = None))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn write_pack(
        &self,
        py: Python<'_>,
        objects: &ObjectSet,
        path: PathBuf,
        level: u32,
        threads: usize,
        spill_bytes: u64,
        cancel: Option<&Cancel>,
        work: Option<&WorkCount>,
    ) -> PyResult<IngestedPack> {
        let target = PackTarget { path: &path, spill_bytes, level, threads };
        let (flag, counts) = (flag_of(cancel), counts_of(work));
        let written = py.detach(|| write_pack(&self.database, &objects.set, target, &flag, &counts));
        written.map_err(other_database)?.map(IngestedPack::from).map_err(to_py)
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
        self.written(py, max_bytes, None)
    }

    fn read_in_band<'py>(
        &self,
        py: Python<'py>,
        max_bytes: usize,
        max_packet_bytes: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        self.written(py, max_bytes, Some(packet_data_bytes(max_packet_bytes)?))
    }

    fn read_parts<'py>(
        &self,
        py: Python<'py>,
        max_made_bytes: usize,
        max_bytes: usize,
        max_packet_bytes: Option<usize>,
    ) -> PyResult<(Vec<Bound<'py, PyMemoryView>>, bool)> {
        let packet_data_bytes = max_packet_bytes.map(packet_data_bytes).transpose()?;
        let portion = Portion { made_bytes: max_made_bytes, bytes: max_bytes, packet_data_bytes };
        let (parts, is_last) = self.locked(py, |stream| stream.read_parts(portion).map_err(to_py))?;
        let views = parts.into_iter().map(|part| PyMemoryView::from(Bound::new(py, PackBytes { part })?.as_any()));
        Ok((views.collect::<PyResult<_>>()?, is_last))
    }
}

/// Some bytes of a pack, as a buffer: of those that lie in a stored pack no copy is made.
#[pyclass(frozen, module = "core_ext")]
struct PackBytes {
    part: Part,
}

#[pymethods]
impl PackBytes {
    // SAFETY: PyBuffer_FillInfo fills in the view that the interpreter handed in, and takes a reference to this object for
    // it. The object is frozen and owns its bytes, or shares in the pack that has them, so they stay and never change for as
    // long as a view is there. Not guaranteed: what `Bytes::map` says of files that somebody else cuts short.
    #[allow(unsafe_code)]
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let bytes = slf.get().part.bytes();
        let (data, len) = (bytes.as_ptr().cast_mut().cast(), bytes.len().cast_signed());
        match unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), data, len, 1, flags) } {
            0 => Ok(()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }
}

/// How much of a pack a packet of so many bytes carries.
fn packet_data_bytes(max_packet_bytes: usize) -> PyResult<usize> {
    if !(PACKET_HEAD_BYTES + 1..=MAX_PACKET_BYTES).contains(&max_packet_bytes) {
        let least = PACKET_HEAD_BYTES + 1;
        return Err(PyValueError::new_err(format!("a packet has {least} to {MAX_PACKET_BYTES} bytes")));
    }
    Ok(max_packet_bytes - PACKET_HEAD_BYTES)
}

/// The bytes that were prepared, as they are or in packets that carry so many of them, written to where Python will find
/// them: a copy less for all that is sent.
fn written<'py>(
    py: Python<'py>,
    len: usize,
    packet_data_bytes: Option<usize>,
    stream: &mut graph::PackStream,
) -> PyResult<Bound<'py, PyBytes>> {
    let Some(step) = packet_data_bytes else {
        return PyBytes::new_with(py, len, |out| {
            py.detach(|| stream.write_prepared(out));
            Ok(())
        });
    };
    PyBytes::new_with(py, len + len.div_ceil(step) * PACKET_HEAD_BYTES, |out| {
        py.detach(|| {
            for packet in out.chunks_mut(PACKET_HEAD_BYTES + step) {
                let (head, data) = packet.split_at_mut(PACKET_HEAD_BYTES);
                write_packet_head(head, data.len());
                stream.write_prepared(data);
            }
        });
        Ok(())
    })
}

impl PackStream {
    /// The next bytes, at most so many of the pack, perhaps in packets.
    fn written<'py>(
        &self,
        py: Python<'py>,
        max_bytes: usize,
        packet_data_bytes: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.locked(py, |stream| {
            let len = stream.prepare(max_bytes).map_err(to_py)?;
            Python::attach(|py| written(py, len, packet_data_bytes, stream).map(Bound::unbind))
        })?;
        Ok(bytes.into_bound(py))
    }

    /// Do something with the stream, without the GIL while it waits for another reader or works.
    fn locked<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut graph::PackStream) -> PyResult<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| {
            let mut stream = self.stream.lock().map_err(|_| PyRuntimeError::new_err("the pack stream is broken"))?;
            work(&mut stream)
        })
    }
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PackStream>()
}
