//! Walks over the object graph for Python: methods of `ObjectDb`.

use crate::args::OidArg;
use crate::cancel::{Cancel, flag_of};
use crate::errors::detached;
use crate::reading::ObjectDb;
use crate::sets::{ObjectSet, OidList, names, oid_list, oids};
use packhouse_graph as graph;
use packhouse_object::{CancelFlag, Oid, Result};
use packhouse_pack::{Database, Ordinal};
use pyo3::prelude::*;
use std::sync::Arc;

#[pymethods]
impl ObjectDb {
    fn restricted(&self, visible: &ObjectSet) -> PyResult<Self> {
        let visible = Arc::clone(visible.bits_for(&self.database)?);
        Ok(Self { database: self.database.restricted(visible) })
    }

    fn all_objects(&self, py: Python<'_>) -> ObjectSet {
        py.detach(|| ObjectSet::of(&self.database, self.database.objects()))
    }

    #[pyo3(signature = (tips, *, known = None, cancel = None))]
    fn reachable(
        &self,
        py: Python<'_>,
        tips: Vec<OidArg>,
        known: Option<&ObjectSet>,
        cancel: Option<&Cancel>,
    ) -> PyResult<ObjectSet> {
        let (db, tips, flag) = (&self.database, oids(tips), flag_of(cancel));
        let known = known.map(|known| known.bits_for(db)).transpose()?;
        let bits = detached(py, || match known {
            None => graph::reachable(db, &tips, &flag),
            Some(known) => graph::reachable_beyond(db, known, &tips, &flag),
        })?;
        Ok(ObjectSet::of(db, bits))
    }

    fn parents<'py>(&self, py: Python<'py>, commit: OidArg) -> PyResult<OidList<'py>> {
        let db = &self.database;
        Ok(oid_list(py, detached(py, || Ok(names(db, graph::parents(db, &commit.0)?)))?))
    }

    fn tag_chain(&self, py: Python<'_>, tags: Vec<OidArg>) -> PyResult<ObjectSet> {
        let tags = oids(tags);
        let chain = detached(py, || graph::tag_chain(&self.database, &tags))?;
        Ok(ObjectSet::of(&self.database, chain))
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
            Ok(names(db, graph::merge_bases(db, left, right, &CancelFlag::new())?))
        })?;
        Ok(oid_list(py, bases))
    }

    #[pyo3(signature = (tips, *, cancel = None))]
    fn count_commits(&self, py: Python<'_>, tips: Vec<OidArg>, cancel: Option<&Cancel>) -> PyResult<u64> {
        let (db, tips, flag) = (&self.database, oids(tips), flag_of(cancel));
        detached(py, || graph::count_commits(db, &commits(db, &tips)?, &flag))
    }

    #[pyo3(signature = (tips, hidden, *, limit, skip = 0, cancel = None))]
    fn walk_commits<'py>(
        &self,
        py: Python<'py>,
        tips: Vec<OidArg>,
        hidden: Vec<OidArg>,
        limit: usize,
        skip: usize,
        cancel: Option<&Cancel>,
    ) -> PyResult<OidList<'py>> {
        let (db, page) = (&self.database, skip..skip.saturating_add(limit));
        let (tips, hidden, flag) = (oids(tips), oids(hidden), flag_of(cancel));
        let commits = detached(py, || {
            let (tips, hidden) = (commits(db, &tips)?, commits(db, &hidden)?);
            Ok(names(db, graph::walk_commits(db, &tips, &hidden, page, &flag)?))
        })?;
        Ok(oid_list(py, commits))
    }
}

/// The commits that ids lead to, through tags.
pub fn commits(db: &Database, oids: &[Oid]) -> Result<Vec<Ordinal>> {
    oids.iter().map(|oid| graph::peel_to_commit(db, oid)).collect()
}
