//! Files that are derived from a pack, for Python.

use crate::args::OidArg;
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::reading::{ObjectDb, Pack};
use crate::sets::oids;
use crate::work::{WorkCount, counts_of};
use packhouse_maintain as maintain;
use packhouse_pack::Database;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;

#[pyfunction]
#[pyo3(signature = (db, path, *, cancel = None, work = None))]
fn write_commit_graph(
    py: Python<'_>,
    db: &ObjectDb,
    path: PathBuf,
    cancel: Option<&Cancel>,
    work: Option<&WorkCount>,
) -> PyResult<u32> {
    let (database, flag, counts) = (of_one_pack(db)?, flag_of(cancel), counts_of(work));
    detached(py, || maintain::write_commit_graph(database, &path, &flag, &counts))
}

#[pyfunction]
fn write_rev(py: Python<'_>, pack: &Pack, path: PathBuf) -> PyResult<()> {
    detached(py, || pack.pack.write_rev(&path))
}

#[pyfunction]
#[pyo3(signature = (db, tips, path, *, max_memory_bytes, cancel = None, work = None))]
fn write_bitmaps(
    py: Python<'_>,
    db: &ObjectDb,
    tips: Vec<OidArg>,
    path: PathBuf,
    max_memory_bytes: usize,
    cancel: Option<&Cancel>,
    work: Option<&WorkCount>,
) -> PyResult<Option<u32>> {
    let (database, tips, flag, counts) = (of_one_pack(db)?, oids(tips), flag_of(cancel), counts_of(work));
    detached(py, || maintain::write_bitmaps(database, &tips, &path, max_memory_bytes, &flag, &counts))
}

fn of_one_pack(db: &ObjectDb) -> PyResult<&Database> {
    match db.database.packs().len() {
        1 => Ok(&db.database),
        count => Err(PyValueError::new_err(format!("a database of {count} packs, where one of one pack is needed"))),
    }
}

/// Add the functions to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(write_commit_graph, module)?)?;
    module.add_function(wrap_pyfunction!(write_rev, module)?)?;
    module.add_function(wrap_pyfunction!(write_bitmaps, module)?)
}
