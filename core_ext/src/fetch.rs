//! What a fetch asks of the object graph, for Python: methods of `ObjectDb`.

use crate::args::OidArg;
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::filter::ObjectFilter;
use crate::reading::ObjectDb;
use crate::sets::{ObjectSet, OidList, names, oid_list, oids};
use packhouse_graph as graph;
use packhouse_object::{CancelFlag, Result};
use pyo3::prelude::*;
use std::num::NonZeroU32;

#[pymethods]
impl ObjectDb {
    #[pyo3(signature = (wants, haves, *, cancel = None))]
    fn difference(
        &self,
        py: Python<'_>,
        wants: Vec<OidArg>,
        haves: Vec<OidArg>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(ObjectSet, ObjectSet)> {
        self.select(py, wants, haves, Vec::new(), Vec::new(), cancel)
    }

    #[pyo3(
        signature = (wants, haves, *, shallow = Vec::new(), filters = Vec::new(), cancel = None),
        text_signature = "($self, wants, haves, *, shallow=(), filters=(), cancel=None)"
    )]
    fn select(
        &self,
        py: Python<'_>,
        wants: Vec<OidArg>,
        haves: Vec<OidArg>,
        shallow: Vec<OidArg>,
        filters: Vec<Bound<'_, ObjectFilter>>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(ObjectSet, ObjectSet)> {
        let (wants, haves, shallow, flag) = (oids(wants), oids(haves), oids(shallow), flag_of(cancel));
        let filters: Vec<_> = filters.iter().map(|filter| filter.get().filter.clone()).collect();
        let query = graph::Query { wants: &wants, haves: &haves, shallow: &shallow, filters: &filters };
        let found = detached(py, || graph::select(&self.database, &query, &flag))?;
        Ok((ObjectSet::of(&self.database, found.objects), ObjectSet::of(&self.database, found.client_holds)))
    }

    #[pyo3(signature = (tips, depth, *, cancel = None))]
    fn depth_boundary<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        depth: NonZeroU32,
        cancel: Option<&Cancel>,
    ) -> PyResult<(OidList<'py>, ObjectSet)> {
        let tips = oids(tips);
        self.short_history(py, cancel, |flag| graph::depth_boundary(&self.database, &tips, depth, flag))
    }

    #[pyo3(signature = (tips, *, since_s, excluded, cancel = None))]
    fn age_boundary<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        since_s: Option<u64>,
        excluded: Vec<OidArg>,
        cancel: Option<&Cancel>,
    ) -> PyResult<(OidList<'py>, ObjectSet)> {
        let (tips, excluded) = (oids(tips), oids(excluded));
        self.short_history(py, cancel, |flag| graph::age_boundary(&self.database, &tips, since_s, &excluded, flag))
    }

    #[pyo3(
        signature = (tips, candidates, *, shallow = Vec::new(), cancel = None),
        text_signature = "($self, tips, candidates, *, shallow=(), cancel=None)"
    )]
    fn reached_among<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        candidates: Vec<OidArg>,
        shallow: Vec<OidArg>,
        cancel: Option<&Cancel>,
    ) -> PyResult<OidList<'py>> {
        let (tips, candidates, shallow, flag) = (oids(tips), oids(candidates), oids(shallow), flag_of(cancel));
        let reached = detached(py, || graph::reached_among(&self.database, &tips, &candidates, &shallow, &flag))?;
        Ok(oid_list(py, reached))
    }

    #[pyo3(
        signature = (wants, haves, *, shallow = Vec::new(), cancel = None),
        text_signature = "($self, wants, haves, *, shallow=(), cancel=None)"
    )]
    fn all_reach(
        &self,
        py: Python<'_>,
        wants: Vec<OidArg>,
        haves: Vec<OidArg>,
        shallow: Vec<OidArg>,
        cancel: Option<&Cancel>,
    ) -> PyResult<bool> {
        let (wants, haves, shallow, flag) = (oids(wants), oids(haves), oids(shallow), flag_of(cancel));
        detached(py, || graph::all_reach(&self.database, &wants, &haves, &shallow, &flag))
    }

    #[pyo3(signature = (objects, *, min_pack_bytes, max_packs, cancel = None))]
    fn split_by_pack(
        &self,
        py: Python<'_>,
        objects: &ObjectSet,
        min_pack_bytes: u64,
        max_packs: usize,
        cancel: Option<&Cancel>,
    ) -> PyResult<(Vec<usize>, ObjectSet)> {
        let (db, bits, flag) = (&self.database, objects.bits_for(&self.database)?, flag_of(cancel));
        let split = detached(py, || graph::split_by_pack(db, bits, min_pack_bytes, max_packs, &flag))?;
        Ok((split.packs, ObjectSet::of(db, split.rest)))
    }
}

impl ObjectDb {
    fn short_history<'py>(
        &self,
        py: Python<'py>,
        cancel: Option<&Cancel>,
        find: impl FnOnce(&CancelFlag) -> Result<graph::ShortHistory> + Send,
    ) -> PyResult<(OidList<'py>, ObjectSet)> {
        let flag = flag_of(cancel);
        let (boundary, above) = detached(py, || {
            let found = find(&flag)?;
            Ok((names(&self.database, found.boundary.iter()), found.above))
        })?;
        Ok((oid_list(py, boundary), ObjectSet::of(&self.database, above)))
    }
}
