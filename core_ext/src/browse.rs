//! Trees, blobs, differences and logs for Python: methods of `ObjectDb`.

use crate::args::{Input, OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::{detached, to_py};
use crate::graph::commits;
use crate::reading::ObjectDb;
use crate::sets::{OidList, names, oid_list, oids};
use packhouse_browse::{self as browse, EditLimits, ListOptions, LogOptions, TreeEdit};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use std::sync::Mutex;

type PyEntry<'py> = (u32, Bound<'py, PyBytes>);
type PyRow<'py> = (Bound<'py, PyBytes>, u32, Bound<'py, PyBytes>, Option<u64>);
type PyPage<'py> = (Vec<PyRow<'py>>, Option<Bound<'py, PyBytes>>);
type PyLogPage<'py> = (OidList<'py>, Option<Bound<'py, PyBytes>>);
type PyEdited<'py> = (Bound<'py, PyBytes>, Vec<Bound<'py, PyBytes>>);

#[pymethods]
impl ObjectDb {
    fn tree_entry<'py>(&self, py: Python<'py>, tree: OidArg, path: Input) -> PyResult<Option<PyEntry<'py>>> {
        let entry = detached(py, || browse::tree_entry(&self.database, &tree.0, &path))?;
        Ok(entry.map(|(mode, oid)| (mode, oid_bytes(py, &oid))))
    }

    #[pyo3(signature = (base, edits, *, max_memory_bytes = 1 << 28, cancel = None))]
    fn edit_tree<'py>(
        &self,
        py: Python<'py>,
        base: Option<OidArg>,
        edits: Vec<EditArg>,
        max_memory_bytes: u64,
        cancel: Option<&Cancel>,
    ) -> PyResult<PyEdited<'py>> {
        let (limits, flag) = (EditLimits { max_memory_bytes }, flag_of(cancel));
        let base = base.map(|base| base.0);
        let edited = detached(py, || {
            let edits: Vec<_> = edits.into_iter().map(|edit| edit.0).collect();
            browse::edit_tree(&self.database, base.as_ref(), &edits, &limits, &flag)
        })?;
        let contents = edited.new_trees.iter().map(|content| PyBytes::new(py, content)).collect();
        Ok((oid_bytes(py, &edited.root), contents))
    }

    #[pyo3(signature = (tree, *, recursive, sizes, after, limit, max_memory_bytes = 1 << 28, cancel = None))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn list_tree<'py>(
        &self,
        py: Python<'py>,
        tree: OidArg,
        recursive: bool,
        sizes: bool,
        after: Option<Input>,
        limit: usize,
        max_memory_bytes: u64,
        cancel: Option<&Cancel>,
    ) -> PyResult<PyPage<'py>> {
        let (options, flag) = (ListOptions { recursive, sizes, limit, max_memory_bytes }, flag_of(cancel));
        let (rows, cursor) =
            detached(py, || browse::list_tree(&self.database, &tree.0, after.as_deref(), &options, &flag))?;
        let rows = rows
            .into_iter()
            .map(|row| (PyBytes::new(py, &row.path), row.mode, oid_bytes(py, &row.oid), row.size_bytes));
        Ok((rows.collect(), cursor.map(|cursor| PyBytes::new(py, &cursor))))
    }

    #[pyo3(
        signature = (
            tips, *, hidden = Vec::new(), path = None, since_s = None, until_s = None, limit, skip = 0, max_looked_at,
            cursor = None, cancel = None
        ),
        text_signature = "($self, tips, *, hidden=(), path=None, since_s=None, until_s=None, limit, skip=0, \
            max_looked_at, cursor=None, cancel=None)"
    )]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn log<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        hidden: Vec<OidArg>,
        path: Option<Input>,
        since_s: Option<u64>,
        until_s: Option<u64>,
        limit: usize,
        skip: u64,
        max_looked_at: usize,
        cursor: Option<Input>,
        cancel: Option<&Cancel>,
    ) -> PyResult<PyLogPage<'py>> {
        let (db, tips, hidden, flag) = (&self.database, oids(tips), oids(hidden), flag_of(cancel));
        let (commits, cursor) = detached(py, || {
            let options = LogOptions { path: path.as_deref(), since_s, until_s, limit, skip, max_looked_at };
            let (tips, hidden) = (commits(db, &tips)?, commits(db, &hidden)?);
            let (page, cursor) = browse::log(db, &tips, &hidden, &options, cursor.as_deref(), &flag)?;
            Ok((names(db, page), cursor))
        })?;
        Ok((oid_list(py, commits), cursor.map(|cursor| PyBytes::new(py, &cursor))))
    }

    #[pyo3(signature = (oid, *, max_resident_bytes = 1 << 28, cancel = None))]
    fn open_blob(
        &self,
        py: Python<'_>,
        oid: OidArg,
        max_resident_bytes: u64,
        cancel: Option<&Cancel>,
    ) -> PyResult<BlobReader> {
        let flag = flag_of(cancel);
        let reader = detached(py, || browse::BlobReader::open(&self.database, &oid.0, max_resident_bytes, flag))?;
        Ok(BlobReader { size: reader.size_bytes(), reader: Mutex::new(reader) })
    }
}

/// A blob read in pieces.
#[pyclass(frozen, module = "core_ext")]
pub struct BlobReader {
    #[pyo3(get)]
    size: u64,
    reader: Mutex<browse::BlobReader>,
}

#[pymethods]
impl BlobReader {
    fn read<'py>(&self, py: Python<'py>, offset: u64, max_bytes: usize) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| {
            let mut reader = self.reader.lock().map_err(|_| PyRuntimeError::new_err("the blob's reader is broken"))?;
            reader.read(offset, max_bytes).map_err(to_py)
        })?;
        Ok(PyBytes::new(py, &bytes))
    }
}

/// Add the class to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<BlobReader>()
}

/// An edit: `("write", path, mode or None, oid)`, `("delete", path)` or `("move", old, new)`.
struct EditArg(TreeEdit);

impl<'py> FromPyObject<'_, 'py> for EditArg {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let edit = object.cast::<PyTuple>()?;
        let name: String = edit.get_item(0)?.extract()?;
        match (name.as_str(), edit.len()) {
            ("write", 4) => {
                let (path, mode, oid) = (path_of(edit, 1)?, edit.get_item(2)?.extract()?, edit.get_item(3)?);
                Ok(Self(TreeEdit::Write { path, mode, oid: oid.extract::<OidArg>()?.0 }))
            }
            ("delete", 2) => Ok(Self(TreeEdit::Delete { path: path_of(edit, 1)? })),
            ("move", 3) => Ok(Self(TreeEdit::Move { from: path_of(edit, 1)?, to: path_of(edit, 2)? })),
            _ => Err(PyValueError::new_err(format!("not an edit of a tree: {name:?} and {} more", edit.len() - 1))),
        }
    }
}

fn path_of(edit: Borrowed<'_, '_, PyTuple>, at: usize) -> PyResult<Vec<u8>> {
    Ok(edit.get_item(at)?.extract::<Input>()?.to_vec())
}
