//! Histories without some blobs, for Python: methods of `ObjectDb`.

use crate::args::{Input, OidArg, oid_bytes};
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::ingest::IngestedPack;
use crate::reading::ObjectDb;
use crate::sets::{OidList, oid_list, oids};
use crate::work::{WorkCount, counts_of};
use packhouse_purge::{self as purge, PathLimits, Target};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;

type PyRewritten<'py> = (Vec<Option<Bound<'py, PyBytes>>>, Vec<IngestedPack>, (u64, u64, u64));

#[pymethods]
impl ObjectDb {
    #[pyo3(signature = (tips, path, *, max_blobs, max_depth = 4096, cancel = None, work = None))]
    #[allow(clippy::too_many_arguments)] // Python names them
    fn blobs_at_path<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        path: Input,
        max_blobs: usize,
        max_depth: usize,
        cancel: Option<&Cancel>,
        work: Option<&WorkCount>,
    ) -> PyResult<OidList<'py>> {
        let (tips, flag, counts) = (oids(tips), flag_of(cancel), counts_of(work));
        let limits = PathLimits { max_blobs, max_depth };
        let found = detached(py, || purge::blobs_at_path(&self.database, &tips, &path, limits, &flag, &counts))?;
        Ok(oid_list(py, found))
    }

    #[pyo3(signature = (tips, blobs, folder, *, level = 6, batch_bytes = 1 << 26, cancel = None, work = None))]
    #[allow(clippy::too_many_arguments)] // as above
    fn without_blobs<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        blobs: Vec<OidArg>,
        folder: PathBuf,
        level: u32,
        batch_bytes: usize,
        cancel: Option<&Cancel>,
        work: Option<&WorkCount>,
    ) -> PyResult<PyRewritten<'py>> {
        let (tips, blobs, flag, counts) = (oids(tips), oids(blobs), flag_of(cancel), counts_of(work));
        let target = Target { folder: &folder, batch_bytes, level };
        let done = detached(py, || purge::without_blobs(&self.database, &tips, &blobs, target, &flag, &counts))?;
        let tips = done.tips.iter().map(|tip| tip.as_ref().map(|oid| oid_bytes(py, oid))).collect();
        let packs = done.packs.into_iter().map(IngestedPack::from).collect();
        Ok((tips, packs, (done.commits, done.trees, done.tags)))
    }
}
